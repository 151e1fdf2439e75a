"""The bus's door: a chat ends once, whichever of its two messengers comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.connect import ContactEvent
from tests.unit.handlers.relay import Relay
from workers.errors import TransientError
from workers.handlers.chat_relay.contacts import TRANSFER_GRACE_S
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.protocols import ChatState

GOODBYE = "Clinic: This conversation has ended. Text us again any time."


def event(relay: Relay, **keys: Any) -> ContactEvent:
    contact_id = relay.centre.newest_chat.contact_id
    return ContactEvent.model_validate(
        {
            "eventType": "DISCONNECTED",
            "channel": "CHAT",
            "contactId": contact_id,
            "disconnectTimestamp": relay.clock.now().isoformat(),
            **keys,
        }
    )


async def handled(relay: Relay, happened: ContactEvent, *, age_s: float = 60) -> Outcome:
    since = relay.clock.now() - timedelta(seconds=age_s)
    return await relay.worker.contacts.handle(happened, relay.world.delivery(since=since))


async def test_disconnected_ends_the_chat_when_the_stream_is_silent(chatting: Relay) -> None:
    chatting.centre.end(chatting.centre.only_chat)
    assert await handled(chatting, event(chatting)) == Done()
    assert chatting.carrier.bodies == [GOODBYE]
    assert (await chatting.session()).state is ChatState.ENDED


async def test_both_messengers_of_an_end_make_one_end(chatting: Relay) -> None:
    ended = chatting.centre.end(chatting.centre.only_chat)
    await chatting.sleep(0.3)  # The two do not agree on the moment.
    disconnected = event(chatting)
    assert await handled(chatting, disconnected) == Done()
    assert await chatting.streamed(ended) == Done()
    assert await handled(chatting, disconnected) == Done()
    assert chatting.carrier.bodies == [GOODBYE]


async def test_a_transfer_is_given_time_to_show(chatting: Relay) -> None:
    chatting.centre.end(chatting.centre.only_chat)
    outcome = await handled(chatting, event(chatting), age_s=1)
    assert outcome == Wait("transfer_grace", TRANSFER_GRACE_S - 1)
    assert (await chatting.session()).state is ChatState.OPEN


async def test_a_transfer_is_no_end(chatting: Relay) -> None:
    chatting.centre.only_chat.has_next = True
    assert await handled(chatting, event(chatting)) == Discard("contact_transferred")
    assert (await chatting.session()).state is ChatState.OPEN
    assert chatting.carrier.sent == []


async def test_the_last_contact_of_a_chain_ends_the_chat_of_the_first(chatting: Relay) -> None:
    first = chatting.centre.only_chat
    chatting.centre.end(first)
    last = event(chatting, contactId="the-last", initialContactId=first.contact_id)
    assert await handled(chatting, last) == Done()  # Connect knows it no more: it is over.
    assert (await chatting.session()).state is ChatState.ENDED


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"eventType": "QUEUED"}, id="another_step"),
        pytest.param({"eventType": "CONNECTED_TO_AGENT"}, id="agent_joins"),
        pytest.param({"channel": "VOICE"}, id="a_call"),
    ],
)
async def test_other_steps_of_a_contact_are_not_needed(
    chatting: Relay, keys: dict[str, str]
) -> None:
    assert await handled(chatting, event(chatting, **keys)) == Discard("contact_event_not_needed")


async def test_a_contact_that_is_not_ours_is_no_matter_of_ours(chatting: Relay) -> None:
    outcome = await handled(chatting, event(chatting, contactId="a-web-chat"))
    assert outcome == Discard("contact_not_ours")


async def test_the_end_of_an_older_chat_does_not_close_the_newer_one(chatting: Relay) -> None:
    old = event(chatting)
    chatting.centre.end(chatting.centre.only_chat)
    await chatting.text("again")
    assert await handled(chatting, old) == Done()
    assert (await chatting.session()).state is ChatState.OPEN
    assert chatting.carrier.sent == []


async def test_when_connect_does_not_say_whether_it_goes_on_the_event_waits(
    chatting: Relay,
) -> None:
    """The error goes up, and the router makes a wait of it: no end is concluded from silence."""
    chatting.faults.refuse("chats.describe", TransientError("server_error"))
    with pytest.raises(TransientError):
        await handled(chatting, event(chatting))
    assert (await chatting.session()).state is ChatState.OPEN


async def test_an_end_without_a_time_has_that_of_the_queue(chatting: Relay) -> None:
    chatting.centre.end(chatting.centre.only_chat)
    assert await handled(chatting, event(chatting, disconnectTimestamp=None)) == Done()
    assert (await chatting.session()).state is ChatState.ENDED
