"""What the runtime remembers of a message between its deliveries, which SQS does not.

SQS's own receive count also grows when a message waits, is throttled or is given back, so it
says nothing about attempts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

REMEMBERED_S = 15 * 86_400
"""SQS keeps a message for at most 14 days."""


class Failures(Protocol):
    """Counted failures and dead-letter reasons, shared by the fleet.

    Keyed by queue name and SQS message id, or the body's digest. Written only when something
    failed.
    """

    async def count_failure(self, queue: str, message_id: str, *, ttl_s: int) -> int:
        """One more failed attempt; returns how many now.

        Raises:
            TransientError: not counted, as far as known. The message then waits.
        """
        ...

    async def record_dead_letter(
        self, queue: str, key: str, attributes: Mapping[str, str], *, ttl_s: int
    ) -> None:
        """Keep the reason of a message whose DLQ copy had no room for it. Idempotent.

        `key` is its SQS message id, or `workers.runtime.dead_letters.record_key` of its body.

        Raises:
            TransientError: not recorded. The message is not dead-lettered yet.
        """
        ...


class MemoryFailures:
    """For tests, and for who can bear that a restart forgets. `dead_letters` is for looking."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self.dead_letters: dict[tuple[str, str], dict[str, str]] = {}

    async def count_failure(self, queue: str, message_id: str, *, ttl_s: int) -> int:  # noqa: ARG002
        """One more failed attempt; returns how many now."""
        self._counts[queue, message_id] += 1
        return self._counts[queue, message_id]

    async def record_dead_letter(
        self,
        queue: str,
        key: str,
        attributes: Mapping[str, str],
        *,
        ttl_s: int,  # noqa: ARG002
    ) -> None:
        """Keep the reason."""
        self.dead_letters[queue, key] = dict(attributes)
