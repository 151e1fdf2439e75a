"""Our own door: texts that we owe somebody, and the timer that lives as long as its chat."""

from __future__ import annotations

from schemas.own import ChatWatch, Notice, NoticeKind
from tests.unit.handlers.relay import Relay, brand_with
from workers.errors import TransientError
from workers.handlers.chat_relay.commands import CLOSING_LOOK_S, CLOSING_MAX_MS
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.protocols import ChatState

IDLE = brand_with(limits={"idle_warn_s": 600, "idle_close_s": 900})


def notice(relay: Relay, kind: NoticeKind = "help", notice_id: str = "n1") -> Notice:
    return Notice(id=notice_id, sid=relay.sid, gen=relay.ref.gen, kind=kind, at=relay.clock.now())


async def sent(relay: Relay, wanted: Notice) -> Outcome:
    return await relay.worker.commands.notice(wanted, relay.world.delivery())


async def watched(relay: Relay, gen: int | None = None) -> Outcome:
    watch = ChatWatch(sid=relay.sid, gen=relay.ref.gen if gen is None else gen)
    return await relay.worker.commands.watch(watch, relay.world.delivery())


async def idle_chat() -> Relay:
    relay = Relay(IDLE)
    await relay.text("first")
    relay.commands.asked.clear()
    return relay


async def test_a_notice_is_texted_once(chatting: Relay) -> None:
    wanted = notice(chatting)
    assert await sent(chatting, wanted) == Done()
    assert await sent(chatting, wanted) == Done()
    [body] = chatting.carrier.bodies
    assert body.startswith("Clinic: Text us here to reach a person.")


async def test_a_notice_for_a_conversation_that_was_erased_is_counted_and_gone(
    relay: Relay,
) -> None:
    wanted = Notice(id="n1", sid=relay.sid, gen=0, kind="help", at=relay.clock.now())
    assert await sent(relay, wanted) == Discard("unknown_session")


async def test_an_unpaid_notice_is_kept(chatting: Relay) -> None:
    chatting.faults.refuse("texting.admit", TransientError("server_error"))
    wanted = notice(chatting)
    assert isinstance(await sent(chatting, wanted), Wait)
    await chatting.sleep(60)
    assert await sent(chatting, wanted) == Done()
    assert len(chatting.carrier.sent) == 1


async def test_at_most_three_automatic_texts_go_to_one_number_in_an_hour(chatting: Relay) -> None:
    for number in range(5):
        assert await sent(chatting, notice(chatting, "help", f"n{number}")) == Done()
    assert len(chatting.carrier.sent) == 3
    assert chatting.meter.effects["notice_concluded", "automatic_texts_capped"] == 2


async def test_an_open_chat_is_watched_until_its_next_limit(chatting: Relay) -> None:
    [(watch, delay_s)] = chatting.commands.watches
    assert (watch.sid, watch.gen, delay_s) == (chatting.sid, chatting.ref.gen, 60)
    assert await watched(chatting) == Wait("chat_open", 39_600)


async def test_an_idle_chat_is_warned_once_then_closed() -> None:
    relay = await idle_chat()
    await relay.sleep(600)
    outcome = await watched(relay)
    assert isinstance(outcome, Wait)
    assert 0 < outcome.after_s <= 300
    await watched(relay)
    assert relay.commands.kinds == ["idle_warning"]
    assert len(relay.commands.notices) == 1
    await relay.notices()
    assert relay.carrier.bodies == [
        "Clinic: Are you still there? This conversation will close soon."
    ]
    await relay.sleep(301)
    assert await watched(relay) == Wait("chat_closing", CLOSING_LOOK_S)
    assert relay.centre.running == []


async def test_the_warning_itself_does_not_count_as_talk() -> None:
    relay = await idle_chat()
    await relay.sleep(600)
    await watched(relay)
    await relay.notices()
    await relay.sleep(301)
    await watched(relay)
    assert relay.centre.running == []


async def test_a_chat_in_which_somebody_speaks_is_not_idle() -> None:
    relay = await idle_chat()
    await relay.sleep(500)
    await relay.text("still here")
    await relay.sleep(500)
    await relay.agent("So am I")
    await relay.sleep(500)
    assert isinstance(await watched(relay), Wait)
    assert relay.commands.notices == []
    assert len(relay.centre.running) == 1


async def test_each_silence_is_warned_of() -> None:
    relay = await idle_chat()
    for _ in range(2):
        await relay.sleep(700)
        await watched(relay)
        await relay.text("still here")
    assert relay.commands.kinds == ["idle_warning", "idle_warning"]


async def test_a_warning_whose_mark_was_lost_is_asked_for_under_the_same_id() -> None:
    relay = await idle_chat()
    await relay.sleep(600)
    relay.faults.refuse("table.update", TransientError("dynamodb_failed"))
    try:
        await watched(relay)
    except TransientError:
        await watched(relay)
    assert len(relay.commands.notices) == 2
    assert len({asked.id for asked in relay.commands.notices}) == 1
    await relay.notices()
    assert len(relay.carrier.sent) == 1


async def test_a_closed_idle_chat_ends_with_its_own_words() -> None:
    relay = await idle_chat()
    chat = relay.centre.only_chat
    await relay.sleep(1000)
    await watched(relay)
    ended = relay.centre.end(chat)  # Connect's word of it.
    assert await relay.streamed(ended) == Done()
    assert relay.carrier.bodies == [
        "Clinic: We closed this conversation because it was quiet. Text us again any time."
    ]


async def test_a_closing_chat_whose_end_is_never_told_is_ended_by_ourselves() -> None:
    relay = await idle_chat()
    await relay.sleep(1000)
    await watched(relay)
    assert await watched(relay) == Wait("chat_closing", CLOSING_LOOK_S)
    assert (await relay.session()).state is ChatState.OPEN
    await relay.sleep(CLOSING_MAX_MS / 1000)
    assert await watched(relay) == Done()
    assert (await relay.session()).state is ChatState.ENDED
    assert len(relay.carrier.sent) == 1


async def test_hanging_up_is_repeated_when_it_did_not_arrive() -> None:
    relay = await idle_chat()
    await relay.sleep(1000)
    relay.faults.refuse("chats.disconnect", TransientError("server_error"))
    try:
        await watched(relay)
    except TransientError:
        assert len(relay.centre.running) == 1
    await watched(relay)
    assert relay.centre.running == []


async def test_the_watch_of_an_ended_chat_is_over(chatting: Relay) -> None:
    await chatting.streamed(chatting.centre.end(chatting.centre.only_chat))
    assert await watched(chatting) == Done()


async def test_the_watch_of_an_older_chat_is_over_and_leaves_the_newer_alone() -> None:
    relay = await idle_chat()
    old = relay.ref.gen
    relay.centre.end(relay.centre.only_chat)
    await relay.text("again")
    await relay.sleep(10_000)
    assert await watched(relay, old) == Done()
    assert len(relay.centre.running) == 1


async def test_idle_limits_that_are_off_warn_and_close_nobody() -> None:
    relay = Relay(brand_with(limits={"idle_warn_s": 0, "idle_close_s": 0}))
    await relay.text("first")
    assert relay.commands.watches == []
    await relay.sleep(7 * 86_400)
    assert isinstance(await watched(relay), Wait)
    assert len(relay.centre.running) == 1


async def test_the_watch_of_a_conversation_that_was_erased_is_over(relay: Relay) -> None:
    watch = ChatWatch(sid=relay.sid, gen=7)
    assert await relay.worker.commands.watch(watch, relay.world.delivery()) == Done()
