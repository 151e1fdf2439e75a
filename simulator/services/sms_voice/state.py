"""The service's live state: the account, what was sent, and the parts that act on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.rates import RateLimiter
from simulator.services.sms_voice.carrier import Carrier
from simulator.services.sms_voice.knobs import SmsVoiceKnobs
from simulator.services.sms_voice.models import Account, EventDestination
from simulator.services.sms_voice.seeding import seeded_account
from simulator.services.sms_voice.voice_line import VoiceLine
from simulator.world import World


class SmsVoiceState:
    """One account's End User Messaging over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = Account(world.clock.now())
        self.carrier = Carrier(world, self.destinations)
        self.line = VoiceLine(world, self.carrier)
        self.rates = RateLimiter(world.clock)
        self.tokens: dict[tuple[str, str], dict[str, Any]] = {}
        """Answers of create calls by operation and ClientToken."""

    @property
    def knobs(self) -> SmsVoiceKnobs:
        """The service's knobs as they stand."""
        return self.world.knobs.of(SmsVoiceKnobs)

    def put_world(self, section: Mapping[str, Any]) -> None:
        """Replace what the account owns. Texts already sent and handsets stay."""
        self.account = seeded_account(section, self.world.clock.now())
        self.tokens.clear()

    def destinations(self, configuration_set: str | None) -> list[EventDestination]:
        """The event destinations of a set; none for no set."""
        found = self.account.configuration_sets.get(configuration_set or "")
        return list(found.destinations.values()) if found else []
