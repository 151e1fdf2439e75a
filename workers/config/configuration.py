"""The whole configuration as one value: all brands, and what holds for all of them."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator

from workers.brands import Brand, Value
from workers.config.bounces import BounceRules
from workers.config.profiles import ProfileRules
from workers.config.reminders import ReminderRules
from workers.limits import RATES
from workers.phone import identity


class Configuration(Value):
    """What `switchboard.toml` says. Immutable: a change needs a restart."""

    version: Literal[1] = Field(default=1, description="Of this file's form")
    hold_ms_in: int = Field(
        default=500,
        ge=0,
        le=5_000,
        description="Customer to agent: how long each text waits for an earlier one. 0 = not",
    )
    hold_ms_out: int = Field(default=500, ge=0, le=5_000, description="Agent to customer: the same")
    session_lease_s: int = Field(
        default=10,
        ge=5,
        le=120,
        description="A conversation's lease, renewed while it is worked: so long a killed worker's"
        " conversation waits for another",
    )
    brands: tuple[Brand, ...] = Field(min_length=1, description="One `[[brands]]` table each")
    bounces: BounceRules = Field(
        default=BounceRules(), description="What bounces, complaints and receipts lead to"
    )
    reminders: ReminderRules = Field(
        default=ReminderRules(), description="When people are called, and what follows each call"
    )
    profiles: ProfileRules = Field(
        default=ProfileRules(),
        description="Which customers' profiles are written, and how; none without a domain",
    )
    quotas: dict[str, Annotated[float, Field(gt=0, le=10_000)]] = Field(
        default_factory=dict,
        description="Calls a second by the names of docs/limits.md, where AWS gave you another"
        " quota than it documents",
    )
    runtime: dict[str, dict[str, int | float]] = Field(
        default_factory=dict,
        description="`[runtime.<queue>]`: how one queue is consumed, where defaults do not suit",
    )

    @property
    def session_lease_ms(self) -> int:
        """The lease of a conversation, as the journal counts time."""
        return self.session_lease_s * 1000

    @field_validator("quotas")
    @classmethod
    def _are_known(cls, quotas: dict[str, float]) -> dict[str, float]:
        for name in quotas:
            if name not in RATES and not name.startswith("sms:"):
                known = ", ".join(sorted(RATES))
                raise ValueError(f"no quota {name}; there are {known} and sms:<identity>")
        return quotas

    @property
    def makes_calls(self) -> bool:
        """Whether any brand calls people."""
        return any(brand.calls is not None for brand in self.brands)

    @property
    def managed_lists(self) -> tuple[str, ...]:
        """The opt-out lists of brands whose STOP End User Messaging answers, in their order."""
        managed = (b.opt_out_list for b in self.brands if b.opt_out_mode == "managed")
        return tuple(sorted(set(managed)))

    def find(self, name: str) -> Brand | None:
        """The brand of that name."""
        return next((brand for brand in self.brands if brand.name == name), None)

    def brand_of(self, our_number: str) -> Brand | None:
        """Whose number a customer texted, in whatever spelling it was reported."""
        known_as = identity(our_number)
        return None if known_as is None else self._by_number.get(known_as)

    @cached_property
    def _by_number(self) -> dict[str, Brand]:
        return {
            identity(number) or number: brand for brand in self.brands for number in brand.numbers
        }
