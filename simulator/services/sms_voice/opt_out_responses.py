"""Opt-out lists and the numbers on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.services import operation
from simulator.services.sms_voice import errors, paging
from simulator.services.sms_voice.countries import recipient
from simulator.services.sms_voice.idempotency import once
from simulator.services.sms_voice.limits import check_room
from simulator.services.sms_voice.models import DEFAULT_OPT_OUT_LIST, OptedOut, OptOutList
from simulator.services.sms_voice.rendering import Rendering, listed
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

_AGAIN_AFTER = timedelta(days=30)
_MODEL = "botocore service model"


class OptOutResponses:
    """The opt-out list calls."""

    def __init__(self, state: SmsVoiceState) -> None:
        self._state = state
        self._render = Rendering(state.world)

    @operation(
        true_to="name, quota, ClientToken, conflict when it exists",
        source=_MODEL,
        not_yet="tags are not kept",
    )
    async def create_opt_out_list(self, call: Call) -> dict[str, Any]:
        """CreateOptOutList."""
        return once(self._state, call, self._create)

    def _create(self, call: Call) -> dict[str, Any]:
        lists, name = self._state.account.opt_out_lists, call.params["OptOutListName"]
        if name in lists:
            message = "The opt-out list exists already"
            raise errors.conflict("RESOURCE_ALREADY_EXISTS", message, "opt-out-list", name)
        check_room("OPT_OUT_LISTS", len(lists))
        lists[name] = OptOutList(name, self._state.world.clock.now())
        return self._render.opt_out_list(lists[name])

    @operation(true_to="names, pages", source=_MODEL, not_yet="shared lists: none exist")
    async def describe_opt_out_lists(self, call: Call) -> dict[str, Any]:
        """DescribeOptOutLists."""
        account = self._state.account
        found = paging.chosen(
            call.params.get("OptOutListNames"), account.opt_out_lists.values(), account.opt_out_list
        )
        shown = [self._render.opt_out_list(one) for one in found]
        return paging.page(shown, "OptOutLists", call.params)

    @operation(true_to="refused for Default and for a list in use", source=_MODEL)
    async def delete_opt_out_list(self, call: Call) -> dict[str, Any]:
        """DeleteOptOutList."""
        account = self._state.account
        found = account.opt_out_list(call.params["OptOutListName"])
        if found.name == DEFAULT_OPT_OUT_LIST or found.name in account.lists_in_use():
            message = "The opt-out list is in use"
            raise errors.conflict(
                "RESOURCE_DELETION_NOT_ALLOWED", message, "opt-out-list", found.name
            )
        del account.opt_out_lists[found.name]
        return self._render.opt_out_list(found)

    @operation(
        true_to="a number already listed keeps its time and who opted out",
        source=_MODEL,
    )
    async def put_opted_out_number(self, call: Call) -> dict[str, Any]:
        """PutOptedOutNumber."""
        found = self._state.account.opt_out_list(call.params["OptOutListName"])
        number = recipient(call.params["OptedOutNumber"])
        now = self._state.world.clock.now()
        entry = found.numbers.setdefault(number, OptedOut(number, now, by_end_user=False))
        return self._render.opted_out(found, entry)

    @operation(
        true_to="once per number in 30 days; a person's own opt-out may be refused (both knobs)",
        source="botocore service model; End User Messaging User Guide, opt-out lists",
        not_yet="UNVERIFIED: the reason given for the second removal within 30 days",
    )
    async def delete_opted_out_number(self, call: Call) -> dict[str, Any]:
        """DeleteOptedOutNumber."""
        found = self._state.account.opt_out_list(call.params["OptOutListName"])
        number = recipient(call.params["OptedOutNumber"])
        if number not in found.numbers:
            raise errors.not_found("opted-out-number", number)
        self._check_removal(found, found.numbers[number])
        found.removed_at[number] = self._state.world.clock.now()
        return self._render.opted_out(found, found.numbers.pop(number))

    def _check_removal(self, found: OptOutList, entry: OptedOut) -> None:
        knobs, now = self._state.knobs, self._state.world.clock.now()
        removed_at = found.removed_at.get(entry.number)
        is_too_soon = removed_at is not None and now - removed_at < _AGAIN_AFTER
        is_their_own = entry.by_end_user and knobs.end_user_opt_in_refused
        if (knobs.opt_in_once_per_30_days and is_too_soon) or is_their_own:
            message = "The phone number cannot be opted in"
            raise errors.validation("PHONE_NUMBER_CANNOT_BE_OPTED_IN", message, "optedOutNumber")

    @operation(
        true_to="named numbers, the end-user filter, pages",
        source=_MODEL,
        not_yet="UNVERIFIED: a named number that is not listed is ResourceNotFoundException",
    )
    async def describe_opted_out_numbers(self, call: Call) -> dict[str, Any]:
        """DescribeOptedOutNumbers."""
        found = self._state.account.opt_out_list(call.params["OptOutListName"])
        numbers = paging.chosen(
            call.params.get("OptedOutNumbers"),
            found.numbers.values(),
            lambda number: _listed(found, number),
        )
        shown = [
            listed(number)
            for number in numbers
            if paging.passes(call.params.get("Filters"), {"end-user-opted-out": number.by_end_user})
        ]
        return {
            "OptOutListArn": self._render.arn("opt-out-list", found.name),
            "OptOutListName": found.name,
            **paging.page(shown, "OptedOutNumbers", call.params),
        }


def _listed(found: OptOutList, number: str) -> OptedOut:
    try:
        return found.numbers[recipient(number)]
    except KeyError:
        raise errors.not_found("opted-out-number", number) from None
