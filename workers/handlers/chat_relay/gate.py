"""The gate that every text passes: nobody who opted out is texted.

It fails closed: when the suppressions cannot be read, the error goes up and nothing is sent.
"""

from __future__ import annotations

from workers.brands import Brand, MessageClass
from workers.clock import Clock
from workers.stores.protocols import Suppression, Suppressions


class Gate:
    """Asks and keeps who may be texted. The scope is the brand's opt-out list."""

    def __init__(self, suppressions: Suppressions, clock: Clock) -> None:
        self._suppressions = suppressions
        self._clock = clock

    async def closed_for(self, brand: Brand, number: str) -> Suppression | None:
        """Why this number may not get the brand's texts, or None. Raises `TransientError`."""
        return await self._suppressions.find(brand.opt_out_list, number, brand.message_class)

    async def close(
        self, brand: Brand, number: str, source: str, message_class: MessageClass | None = None
    ) -> bool:
        """Record an opt-out, for one class or all; True when this `source` is its cause.

        A repeat of the same cause is its cause still, so that what follows from it can be redone.
        """
        found = await self._suppressions.find(brand.opt_out_list, number, brand.message_class)
        if found is None:
            opted_out = Suppression("opted_out", self._clock.now(), source)
            await self._suppressions.add(brand.opt_out_list, number, message_class, opted_out)
            return True
        return found.source == source

    async def open(self, brand: Brand, number: str) -> None:
        """The person opted in again."""
        await self._suppressions.remove(brand.opt_out_list, number)
