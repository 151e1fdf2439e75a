"""Which delivery may run now: lanes by key or by FIFO group, and shares of the slots by group."""

from __future__ import annotations

from workers.clock import Clock
from workers.runtime.config import ConsumerConfig
from workers.runtime.groups import GroupShares
from workers.runtime.inhand import Held
from workers.runtime.lanes import STRAGGLER_S, GiveBack, Go, Lanes, Stay
from workers.runtime.verdict import Then, Verdict, wait_instead


class Order:
    """The order of one queue's deliveries in hand.

    On a standard queue the job's key is the lane, and its message group has a fair share of the
    slots. On a FIFO queue the group is the lane, for verdicts without a handler as well, and
    SQS keeps the order of what is given back: it hands out none of a group while one of it is in
    flight, hidden or not.
    """

    def __init__(self, config: ConsumerConfig, clock: Clock, *, is_fifo: bool) -> None:
        self._lanes: Lanes[Held] = Lanes(clock, depth=config.lane_depth, slots=config.slots)
        self._groups = GroupShares(clock, slots=config.slots)
        self._is_fifo = is_fifo
        self._lease_s = config.lease_s

    def arrive(self, held: Held) -> Go | Stay | GiveBack:
        """Say where a new delivery goes."""
        if not self._has_share(held):
            return GiveBack("group_full", None)
        lane = self._lane_of(held)
        if lane is None:
            return Go()
        place = self._lanes.arrive(lane, held)
        if isinstance(place, Go):
            held.lane = lane
        elif isinstance(place, GiveBack) and self._is_fifo:
            return GiveBack(place.reason, 0.0)
        return place

    def after(self, held: Held, verdict: Verdict) -> tuple[Held | None, list[tuple[Held, Verdict]]]:
        """Who runs next in the lane of one that was settled, and who is given back instead.

        Behind a message that stays on its queue nobody runs.
        """
        lane = held.lane
        if lane is None:
            return None, []
        given_back: list[tuple[Held, Verdict]] = []
        if verdict.then not in (Then.DELETE, Then.BURY):
            given_back = self._given_back(lane, held, verdict)
        following = self._lanes.finished(lane)
        if following is not None:
            following.lane = lane
        return following, given_back

    def take_waiting(self) -> list[Held]:
        """Everything that has not started, newest arrival of each lane first: no longer here."""
        return self._lanes.take_waiting()

    def left(self, held: Held) -> None:
        """It is in hand no more."""
        if held.group is not None:
            self._groups.left(held.group)

    def forget_idle(self) -> None:
        """Let go of lanes and groups that are no more. Call now and then."""
        self._lanes.forget_expired()
        self._groups.forget_idle()

    def _lane_of(self, held: Held) -> str | None:
        if self._is_fifo:
            return held.delivery.group
        return held.job.key if held.job else None

    def _has_share(self, held: Held) -> bool:
        group = held.delivery.group
        if group is None or self._is_fifo or held.job is None:
            return True
        if not self._groups.admit(group):
            return False
        held.group = group
        return True

    def _given_back(self, lane: str, held: Held, verdict: Verdict) -> list[tuple[Held, Verdict]]:
        if self._is_fifo:
            at_once = wait_instead("lane_held", 0.0)
            return [(behind, at_once) for behind in self._lanes.take_behind(lane)]
        back_in_s = verdict.after_s or 0.0
        if verdict.then is Then.ABANDON:
            back_in_s = self._lease_s
        later = wait_instead("lane_held", back_in_s + STRAGGLER_S)
        return [(behind, later) for behind in self._lanes.hold(lane, held.message_id, back_in_s)]
