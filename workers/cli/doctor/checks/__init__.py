"""Every check, by what it is about, in the order in which they are made."""

from __future__ import annotations

from typing import Final

from workers.cli.doctor.check import Check
from workers.cli.doctor.checks import (
    connect,
    events,
    identity,
    mail,
    permissions,
    profiles,
    queues,
    quotas,
    storage,
    texts,
    topics,
)

CHECKS: Final[tuple[Check, ...]] = (
    *identity.CATALOGUE.checks,
    *queues.CATALOGUE.checks,
    *events.CATALOGUE.checks,
    *topics.CATALOGUE.checks,
    *storage.CATALOGUE.checks,
    *connect.CATALOGUE.checks,
    *texts.CATALOGUE.checks,
    *mail.CATALOGUE.checks,
    *profiles.CATALOGUE.checks,
    *quotas.CATALOGUE.checks,
    *permissions.CATALOGUE.checks,
)
