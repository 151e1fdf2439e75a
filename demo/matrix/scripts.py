"""The conversations whose every call is killed at: together they make all that a worker calls."""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from demo.contact_centre import BIKES, CLINIC
from demo.matrix.play import CONFIG, Play

OWN_TEXTS: Mapping[str, Mapping[str, str]] = {
    brand["numbers"][0]: brand["texts"]
    for brand in tomllib.loads(CONFIG.read_text("utf-8"))["brands"]
}
LONG_ANSWER = " ".join(
    f"{n}. Please bring the form, your card and the list of what you take." for n in range(1, 27)
)
Act = Callable[[Play], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens, up to all that is owed for it. `first` may be without kills."""

    name: str
    act: Act


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation.

    Kills begin with step `kills_from`, counted from 1: the same opening twice would tell nothing.
    After the step of a kill the rest is played only where `plays_on`; the closing words, which
    show that the conversation goes on and in order, are always said.
    """

    name: str
    our_number: str
    steps: tuple[Step, ...]
    kills_from: int = 1
    plays_on: bool = False


async def close(play: Play) -> None:
    """Last words, both ways."""
    await play.text("thank you, that was all")
    await play.reply("you are welcome")
    await play.until_all_heard()


async def _first_text(play: Play) -> None:
    await play.text("hello, is my bike ready?")
    await play.chat()
    await play.until_all_heard()


async def _text(play: Play) -> None:
    await play.text("it is the blue one, size 42")
    await play.until_all_heard()


async def _reply(play: Play) -> None:
    await play.reply("one moment, I will check")
    await play.until_all_heard()


async def _long_reply(play: Play) -> None:
    await play.reply(LONG_ANSWER)
    await play.until_all_heard()


async def _expired_token(play: Play) -> None:
    await play.expire("connection")
    await play.text("are you still there?")
    await play.until_all_heard()


async def _file(play: Play) -> None:
    await play.attach("map.png")
    await play.until_all_heard()


async def _end(play: Play) -> None:
    play.expect(OWN_TEXTS[BIKES]["ended"])
    await play.leave()
    play.chats_expected += 1  # for what is said after it, at the latest the last words
    await play.until_all_heard()


async def _text_after_the_end(play: Play) -> None:
    await play.text("one more thing: do you have helmets?")
    await play.chat()
    await play.until_all_heard()


async def _stop(play: Play) -> None:
    play.expect(OWN_TEXTS[CLINIC]["opt_out_confirmed"])
    await play.command("STOP")
    play.chats_expected += 1
    await play.until_note("opted out")
    await play.until_all_heard()


async def _start(play: Play) -> None:
    play.expect(OWN_TEXTS[CLINIC]["opt_in_confirmed"])
    await play.command("START")
    await play.until_all_heard()


async def _undelivered(play: Play) -> None:
    await play.simulator.set_carrier("unreachable", number=play.line.customer_number)
    await play.reply("can you hear us?")
    play.replies.pop()  # It has no receipt but a note.
    await play.until_note("unreachable")
    await play.until_all_heard()
    await play.simulator.clear_carrier()


async def _refused_participant(play: Play) -> None:
    await play.expire("connection", "participant")
    play.chats_expected += 1
    await play.text("and can you hear me?")
    await play.until_all_heard()


async def _bad_input(play: Play) -> None:
    body = f"no json at all from {play.line.customer_number}"
    await play.enqueue(body)
    await play.until_dead_letter(body)


FIRST = Step("first text", _first_text)
SCRIPTS: tuple[Script, ...] = (
    Script(
        "chat",
        BIKES,
        (
            FIRST,
            Step("text", _text),
            Step("reply", _reply),
            Step("long reply", _long_reply),
            Step("token expired", _expired_token),
        ),
    ),
    Script(
        "end",
        BIKES,
        (
            FIRST,
            Step("file", _file),
            Step("chat ends", _end),
            Step("text after it", _text_after_the_end),
        ),
        kills_from=2,
        plays_on=True,  # Nobody is told that a chat has ended who has begun the next one meanwhile.
    ),
    Script(
        "opt-out", CLINIC, (FIRST, Step("STOP", _stop), Step("START", _start)), 2, plays_on=True
    ),
    Script(
        "refusals",
        CLINIC,
        (
            FIRST,
            Step("undelivered reply", _undelivered),
            Step("chat refused", _refused_participant),
            Step("bad input", _bad_input),
        ),
        kills_from=2,
    ),
)
