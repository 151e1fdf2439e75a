from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contact_centre.chat import Chat, Draft, PastSession
from simulator.contact_centre.content import (
    CHAT_ENDED,
    PARTICIPANT_JOINED,
    TYPING,
    ItemType,
    Visibility,
)
from simulator.contact_centre.delivery import stream_attributes
from simulator.contact_centre.items import AttachmentRef
from tests.unit.simulator.contact_centre.factories import NOW, a_chat, say

OFFSETS_US = st.lists(st.integers(-5_000, 5_000), min_size=2, max_size=30)


@given(OFFSETS_US)
def test_times_of_items_always_rise_in_whole_milliseconds(offsets: list[int]) -> None:
    chat = a_chat()
    for place, offset in enumerate(offsets):
        draft = Draft(ItemType.MESSAGE, "text/plain", "x", chat.customer.author)
        chat.add(draft, str(place), NOW + timedelta(microseconds=offset))
    times = [item.at for item in chat.items]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    assert all(time.microsecond % 1000 == 0 for time in times)


def test_transcript_keeps_messages_and_joins_but_not_typing_nor_what_is_for_agents() -> None:
    chat = a_chat()
    say(chat, "for-all")
    say(chat, "for-agents", visibility=Visibility.AGENT)
    say(chat, "for-the-customer", visibility=Visibility.CUSTOMER)
    for kind in (TYPING, PARTICIPANT_JOINED):
        chat.add(Draft(ItemType.EVENT, kind, author=chat.customer.author), kind, NOW)
    shown = [item.id for item in chat.transcript()]
    assert shown == ["for-all", "for-the-customer", PARTICIPANT_JOINED]


def test_a_scanned_attachment_is_shown_once_with_its_verdict() -> None:
    chat = a_chat()
    for status in ("IN_PROGRESS", "APPROVED"):
        file = AttachmentRef("file", "a.png", "image/png", status)
        draft = Draft(ItemType.ATTACHMENT, author=chat.customer.author, attachments=(file,))
        chat.add(draft, "item", NOW)
    [shown] = chat.transcript()
    assert shown.attachments[0].status == "APPROVED"


def test_items_of_an_earlier_session_carry_related_contact_id() -> None:
    earlier = a_chat("contact-0")
    past = PastSession("contact-0", (say(earlier, "then"),), {"from": "then"})
    chat = a_chat("contact-1", past)
    say(chat, "now")
    wires = [item.as_wire(is_past=chat.is_past(item)) for item in chat.transcript()]
    assert [wire["Id"] for wire in wires] == ["then", "now"]
    assert wires[0]["RelatedContactId"] == "contact-0"
    assert "ContactId" not in wires[0]
    assert wires[1]["ContactId"] == "contact-1"
    assert chat.attributes == {"from": "then"}


def test_reading_keeps_the_time_of_delivery() -> None:
    chat = a_chat()
    say(chat, "message")
    chat.receive("message", chat.customer, NOW, read=False)
    draft = chat.receive("message", chat.customer, NOW + timedelta(seconds=5), read=True)
    assert draft.receipt is not None
    assert draft.receipt.as_wire() == {
        "MessageId": "message",
        "Receipts": [
            {
                "DeliveredTimestamp": "2026-11-20T12:00:00.123Z",
                "ReadTimestamp": "2026-11-20T12:00:05.123Z",
                "RecipientParticipantId": chat.customer.id,
            }
        ],
    }


@pytest.mark.parametrize("visibility", list(Visibility))
def test_visibility_stands_in_the_attributes_and_not_in_the_body(visibility: Visibility) -> None:
    chat = a_chat()
    item = say(chat, "message", visibility=visibility)
    assert stream_attributes(item, chat, "000000000000") == {
        "InitialContactId": "contact-1",
        "MessageVisibility": visibility.value,
        "Type": "MESSAGE",
        "AccountId": "000000000000",
        "ContentType": "text/plain",
        "InstanceId": chat.instance.id,
        "ContactId": "contact-1",
        "ParticipantRole": "CUSTOMER",
    }
    assert "isibility" not in str(item.as_wire())


def test_the_end_is_from_nobody() -> None:
    chat = a_chat()
    item = chat.add(chat.close(NOW, "API"), "end", NOW)
    assert item.as_wire() == {
        "AbsoluteTime": "2026-11-20T12:00:00.123Z",
        "ContentType": CHAT_ENDED,
        "Id": "end",
        "Type": "EVENT",
        "InitialContactId": "contact-1",
        "ContactId": "contact-1",
    }
    assert "ParticipantRole" not in stream_attributes(item, chat, "000000000000")
    assert chat.ended_at == NOW


def test_first_contacts_event_names_no_chain_and_no_customer() -> None:
    chat: Chat = a_chat()
    detail = chat.contact.event_detail(chat.instance, "INITIATED")
    assert detail == {
        "eventType": "INITIATED",
        "contactId": "contact-1",
        "channel": "CHAT",
        "instanceArn": chat.instance.arn,
        "initiationMethod": "API",
        "initiationTimestamp": "2026-11-20T12:00:00.123Z",
        "segmentAttributes": {"connect:Subtype": {"valueString": "connect:Chat"}},
        "tags": {"aws:connect:instanceId": chat.instance.id},
    }
