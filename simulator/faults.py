"""What goes wrong with a request on purpose: one-shot orders first, else by the knobs' chances."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from simulator.gates import matches_call
from simulator.knobs import Knobs
from simulator.wire import Call

_ACTION = (
    r"^(throttle|error_500|error_503|error_500_after_doing|drop_after_doing|delay|"
    r"delay_after_doing|hang|refuse:[A-Za-z]+(:[A-Z0-9_]+)?)$"
)


class FaultOrder(BaseModel):
    """Do `action` to the next `count` matching requests.

    `delay` waits `delay_ms` and then goes on; `hang` does nothing and never answers;
    `refuse:Code[:Reason]` answers with that error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    operation: str = "*"
    count: int = Field(default=1, ge=1)
    action: str = Field(pattern=_ACTION)
    delay_ms: int = Field(default=0, ge=0)
    app: str | None = None
    match: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to one request. Nothing, by default."""

    before: str | None = None
    after: str | None = None
    delay_before_ms: int = 0
    delay_after_ms: int = 0


class Faults:
    """The one-shot orders not yet used up; falls back to the knobs."""

    def __init__(self, knobs: Knobs, chance: random.Random) -> None:
        self._knobs = knobs
        self._chance = chance
        self._orders: list[tuple[FaultOrder, list[int]]] = []

    def order(self, order: FaultOrder) -> None:
        """Take an order; orders are used in the order they came."""
        self._orders.append((order, [order.count]))

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def plan(self, call: Call) -> Plan:
        """Decide, once per request, before anything is done."""
        for order, left in self._orders:
            if matches_call(call, order.service, order.operation, order.app, order.match):
                left[0] -= 1
                if left[0] == 0:
                    self._orders.remove((order, left))
                return _ordered(order)
        return self._by_chance(call)

    def _by_chance(self, call: Call) -> Plan:
        knobs = self._knobs.api(call.service, call.operation)
        return Plan(
            before=self._pick(knobs.model_dump(include={"throttle", "error_500", "error_503"})),
            after=self._pick(
                knobs.model_dump(include={"error_500_after_doing", "drop_after_doing"})
            ),
            delay_before_ms=knobs.delay_before_ms,
            delay_after_ms=knobs.delay_after_ms,
        )

    def _pick(self, shares: dict[str, float]) -> str | None:
        for action, share in shares.items():
            if share and self._chance.random() < share:
                return action
        return None


def _ordered(order: FaultOrder) -> Plan:
    match order.action:
        case "delay":
            return Plan(delay_before_ms=order.delay_ms)
        case "delay_after_doing":
            return Plan(delay_after_ms=order.delay_ms)
        case "drop_after_doing" | "error_500_after_doing":
            return Plan(after=order.action, delay_after_ms=order.delay_ms)
        case _:
            return Plan(before=order.action, delay_before_ms=order.delay_ms)


def refusal_parts(action: str) -> tuple[str, str | None] | None:
    """The code and reason of a `refuse:` action; None for any other."""
    found = re.fullmatch(r"refuse:([A-Za-z]+)(?::([A-Z0-9_]+))?", action)
    return (found[1], found[2]) if found else None
