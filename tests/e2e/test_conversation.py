"""What people say reaches the other side: whole, once, in order, and only to whom it is said."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta
from itertools import pairwise

from simulator.contact_centre.content import Visibility
from tests.e2e.account import KEYWORD, PICTURES, PLAIN, TALKING_FLOW, WELCOME
from tests.e2e.stage import QUIET_S, SOON_S, Customer, Stage, utc_now
from tests.e2e.theatre import scene

LONG_GSM = " ".join(f"sentence {n} of a long story that goes on and on;" for n in range(60))
LONG_UCS2 = " ".join(f"довге речення номер {n}" for n in range(60))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)


@scene()
async def test_a_conversation_goes_both_ways(stage: Stage) -> None:
    customer = stage.customer(TALKING_FLOW)
    chat = await stage.begin(customer, "Hi, is my bike ready?")
    await stage.until_on_phone(customer, WELCOME)
    await stage.desk.say(chat.contact_id, "It will be at noon.")
    await stage.until_on_phone(customer, "It will be at noon.")
    await stage.text(customer, "See you then")
    await stage.until_in_chat(chat, "See you then")
    assert await stage.from_customer(chat) == ["Hi, is my bike ready?", "See you then"]
    assert await stage.on_phone(customer) == [WELCOME, "It will be at noon."]
    assert {text.origination for text in await stage.phone(customer)} == {TALKING_FLOW}


@scene()
async def test_the_desk_shows_who_writes_and_hides_most_of_the_number(stage: Stage) -> None:
    customer, other = stage.customer(), stage.customer(TALKING_FLOW)
    chat, branded = await asyncio.gather(stage.begin(customer), stage.begin(other))
    shown = dict(chat.attributes)
    session = shown.pop("sb_session")
    assert shown == {
        "sb_customer_number": customer.number,
        "sb_our_number": PLAIN,
        "sb_brand": "Plain",
        "sb_language": "en-US",
        "sb_channel": "SMS",
    }
    assert session
    assert session not in customer.number
    assert chat.display_name.startswith("+1206")
    assert chat.display_name != customer.number
    assert branded.display_name == f"Talking Flow customer {other.number[-4:]}"


@scene()
async def test_a_text_longer_than_ten_parts_goes_on_in_the_next_text(stage: Stage) -> None:
    for body, longest_units in ((LONG_GSM, 1_530), (LONG_UCS2, 630)):
        assert len(body) > longest_units
        customer = stage.customer()
        chat = await stage.begin(customer)
        await stage.desk.say(chat.contact_id, body)

        async def look(customer: Customer = customer, body: str = body) -> bool:
            return " ".join(await stage.on_phone(customer)).split() == body.split()

        await stage.until(look, "the long text came in pieces")
        texts = await stage.on_phone(customer)
        assert len(texts) >= 2
        assert all(len(text) <= longest_units for text in texts)


@scene()
async def test_a_text_longer_than_a_chat_message_becomes_several(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    body = " ".join(f"ряд{n:05d}" for n in range(1_400))
    assert len(body.encode()) > 16_384
    await stage.text(customer, body)

    async def look() -> bool:
        said = (await stage.from_customer(chat))[1:]
        return " ".join(said).split() == body.split()

    await stage.until(look, "every word of it is in the chat")
    said = (await stage.from_customer(chat))[1:]
    assert len(said) == 2
    assert all(len(text.encode()) <= 16_384 for text in said)


@scene()
async def test_emoji_and_other_scripts_arrive_as_they_were_written(stage: Stage) -> None:
    customer = stage.customer()
    words = ["Grüße 🙏🏽 👩‍👩‍👧", "شكرا جزيلا", "ありがとう、待っています"]
    chat = await stage.begin(customer, words[0])
    for word in words[1:]:
        await stage.text(customer, word)
    for word in words:
        await stage.desk.say(chat.contact_id, word)
    await stage.until_in_chat(chat, *words)
    assert await stage.until_on_phone(customer, *words) == words


@scene()
async def test_typographic_characters_are_put_into_gsm_unless_the_brand_says_no(
    stage: Stage,
) -> None:
    said = "“Quoted” – it’s fine…" + " and then some more of the same" * 4
    plain, typographic = stage.customer(), stage.customer(PICTURES)
    for customer in (plain, typographic):
        chat = await stage.begin(customer)
        await stage.desk.say(chat.contact_id, said)
    expected = '"Quoted" - it\'s fine...' + " and then some more of the same" * 4
    await stage.until_on_phone(plain, expected)
    await stage.until_on_phone(typographic, said)
    assert [text.parts for text in await stage.phone(plain)] == [1]
    assert [text.parts for text in await stage.phone(typographic)] == [3]
    assert await stage.metric("sms_parts_total", brand="Plain") >= 1
    assert await stage.metric("sms_parts_total", brand="Pictures") >= 3


@scene()
async def test_an_agents_file_reaches_the_phone_as_a_link_that_works(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.desk.attach(chat.contact_id, "map.png", PIXEL, "image/png")

    async def look() -> bool:
        return bool(await stage.on_phone(customer))

    await stage.until(look, "the link came")
    [text] = await stage.on_phone(customer)
    name, _, url = text.partition(": ")
    assert name == "map.png"
    async with stage.http.get(url) as answer:
        assert answer.status == 200
        assert await answer.read() == PIXEL


@scene()
async def test_a_brand_with_mms_sends_the_picture_itself(stage: Stage) -> None:
    customer = stage.customer(PICTURES)
    chat = await stage.begin(customer)
    await stage.desk.attach(chat.contact_id, "map.png", PIXEL, "image/png")

    async def look() -> bool:
        return bool(await stage.phone(customer))

    await stage.until(look, "the picture came")
    [picture] = await stage.phone(customer)
    assert picture.kind == "media"
    assert len(picture.media_urls) == 1


@scene()
async def test_what_is_between_agents_stays_in_the_chat(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.desk.say(chat.contact_id, "do not tell him", visibility=Visibility.AGENT)
    await stage.desk.type_on(chat.contact_id)
    await stage.desk.say(chat.contact_id, "only for you", visibility=Visibility.CUSTOMER)
    assert await stage.until_on_phone(customer, "only for you") == ["only for you"]


@scene()
async def test_two_texts_within_50_ms_from_a_stranger_open_one_chat(stage: Stage) -> None:
    customer = stage.customer()
    await asyncio.gather(stage.text(customer, "first"), stage.text(customer, "second"))
    chat = await stage.chat(customer)
    said = await stage.until_in_chat(chat, "first", "second")
    assert sorted(said) == ["first", "second"]
    assert await stage.chats_opened(customer) == 1


@scene(world="profiles")
async def test_texts_that_arrive_in_the_wrong_order_are_put_right(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    now = utc_now()
    await stage.enqueue_text(customer, "three", now)
    await stage.enqueue_text(customer, "two", now - timedelta(milliseconds=40))
    await asyncio.sleep(0.1)
    await stage.enqueue_text(customer, "one", now - timedelta(milliseconds=80))
    assert await stage.until_in_chat(chat, "one", "two", "three") == [
        "hello",
        "one",
        "two",
        "three",
    ]


@scene(world="profiles")
async def test_an_agents_messages_that_arrive_in_the_wrong_order_are_put_right(
    stage: Stage,
) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    now = utc_now()
    await stage.publish_chat_item(chat.contact_id, "second", now)
    await stage.publish_chat_item(chat.contact_id, "first", now - timedelta(milliseconds=50))
    assert await stage.until_on_phone(customer, "first", "second") == ["first", "second"]


@scene()
async def test_the_same_text_delivered_three_times_is_said_once(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    sent_at, message_id = utc_now(), str(uuid.uuid4())
    for _ in range(2):
        await stage.enqueue_text(customer, "once", sent_at, message_id)
    await stage.until_in_chat(chat, "once")
    await stage.enqueue_text(customer, "once", sent_at, message_id)
    await asyncio.sleep(QUIET_S)
    assert await stage.from_customer(chat) == ["hello", "once"]


@scene()
async def test_a_message_streamed_twice_is_texted_once(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    item = await stage.desk.say(chat.contact_id, "only once")
    await stage.desk.resend(chat.contact_id, item.id)
    await stage.until_on_phone(customer, "only once")
    await stage.desk.resend(chat.contact_id, item.id)
    await asyncio.sleep(QUIET_S)
    assert [send.params["MessageBody"] for send in await stage.sends(customer)] == ["only once"]


@scene()
async def test_two_customers_at_once_hear_only_what_is_for_them(stage: Stage) -> None:
    ana, ben = stage.customer(), stage.customer()
    of_ana, of_ben = await asyncio.gather(stage.begin(ana, "A0"), stage.begin(ben, "B0"))
    for n in range(1, 4):
        await stage.text(ana, f"A{n}")
        await stage.text(ben, f"B{n}")
        await stage.desk.say(of_ben.contact_id, f"b{n}")
        await stage.desk.say(of_ana.contact_id, f"a{n}")
    assert await stage.until_in_chat(of_ana, "A3") == ["A0", "A1", "A2", "A3"]
    assert await stage.until_in_chat(of_ben, "B3") == ["B0", "B1", "B2", "B3"]
    assert await stage.until_on_phone(ana, "a3") == ["a1", "a2", "a3"]
    assert await stage.until_on_phone(ben, "b3") == ["b1", "b2", "b3"]


@scene()
async def test_one_customer_of_two_brands_has_two_conversations(stage: Stage) -> None:
    ours = stage.customer()
    theirs = type(ours)(ours.number, TALKING_FLOW)
    first, second = await asyncio.gather(stage.begin(ours, "to one"), stage.begin(theirs, "to two"))
    assert first.contact_id != second.contact_id
    await stage.desk.say(first.contact_id, "from one")
    await stage.desk.say(second.contact_id, "from two")
    await stage.until_on_phone(ours, "from one", "from two")
    by_body = {text.body: text.origination for text in await stage.phone(ours)}
    assert by_body["from one"] == PLAIN
    assert by_body["from two"] == TALKING_FLOW


@scene()
async def test_a_persons_texts_go_at_most_once_a_second(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    said = [f"part {n}" for n in range(4)]
    for body in said:
        await stage.desk.say(chat.contact_id, body)
    assert await stage.until_on_phone(customer, *said, timeout_s=SOON_S + 5) == said
    times = [datetime.fromisoformat(e.at).timestamp() for e in await stage.sends(customer)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0.98


@scene()
async def test_a_text_that_opens_no_chat_is_answered_by_the_brands_rule(stage: Stage) -> None:
    customer = stage.customer(KEYWORD)
    await stage.text(customer, "what is this?")
    await stage.until_on_phone(customer, "Keyword: Begin with CHAT to reach a person.")
    await stage.text(customer, "Chat please")
    chat = await stage.chat(customer)
    assert await stage.until_in_chat(chat, "Chat please") == ["Chat please"]
