"""The play: what customers and agents say, scene by scene."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from demo.contact_centre import BIKES, CLINIC, OWN_TEXTS
from demo.judge import Way
from demo.stage import Customer, Stage

ANA = Customer("Ana", "+12065550101", CLINIC)
BEN = Customer("Ben", "+12065550102", CLINIC)
CLEO = Customer("Cleo", "+12065550103", CLINIC)
DIMA = Customer("Dima", "+12065550104", CLINIC)
ELI = Customer("Eli", "+12065550105", CLINIC)
FAY = Customer("Fay", "+12065550106", CLINIC)
GUS = Customer("Gus", "+12065550107", BIKES)

LONG_TEXT = " ".join(
    f"({n}) I should say that the pain comes and goes, mostly in the evening." for n in range(1, 21)
)
LONG_ANSWER = " ".join(
    f"{n}. Please bring the form, your card and the list of what you take." for n in range(1, 28)
)
# The smallest picture there is: one transparent pixel.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)

Scene = Callable[[Stage], Awaitable[None]]


async def a_conversation(stage: Stage) -> None:
    """A first text opens a chat; every kind of text goes both ways."""
    await stage.text(ANA, "Hi, I need to move my appointment on Tuesday")
    await stage.answer(ANA, "Good morning! Of course – which day would suit you?")
    await stage.text(ANA, "Thursday or Friday 🙏 it’s “urgent”")
    await stage.answer(ANA, "Thursday 10:30 is free. Shall I take it? 🗓️")
    await stage.text(ANA, LONG_TEXT)
    await stage.answer(ANA, "Дякую! Лікар прочитає це до візиту.")
    await stage.answer(ANA, LONG_ANSWER)
    await stage.attach(ANA, "map.png", "image/png", PICTURE)
    await stage.text(ANA, "ありがとう, see you then")
    await stage.until_all_heard()


async def two_at_once(stage: Stage) -> None:
    """Two customers write in turns; neither sees the other."""
    await asyncio.gather(
        stage.text(BEN, "Is my prescription ready?"),
        stage.text(CLEO, "What are your opening hours?"),
    )
    await asyncio.gather(
        stage.answer(CLEO, "We are open from 8 to 18, Monday to Friday."),
        stage.answer(BEN, "It is. You can collect it today."),
    )
    await asyncio.gather(stage.text(CLEO, "Thank you"), stage.text(BEN, "Great, on my way"))
    await stage.until_all_heard()


async def a_stranger_in_a_hurry(stage: Stage) -> None:
    """Two texts within 50 ms, from nobody we know: one chat, both texts, in order."""
    await stage.text(DIMA, "Hello?")
    await asyncio.sleep(0.03)
    await stage.text(DIMA, "Is anybody there?")
    await stage.answer(DIMA, "Yes, how can I help?")


async def stop_and_return(stage: Stage) -> None:
    """STOP in a running chat, and a return."""
    await stage.text(ELI, "Is there room in the class on Monday?")
    await stage.answer(ELI, "There is. Shall I put you on the list?")
    await stage.until_all_heard()
    stage.expect(ELI, OWN_TEXTS[CLINIC]["opt_out_confirmed"])
    await stage.instruct(ELI, "STOP")
    await stage.until_note(ELI, "opted out")
    await stage.until_all_heard()
    stage.expect(ELI, OWN_TEXTS[CLINIC]["opt_in_confirmed"])
    await stage.instruct(ELI, "START")
    await stage.until_all_heard()
    await stage.text(ELI, "Yes please, the Monday class")
    await stage.answer(ELI, "Done, see you on Monday!")


async def a_refused_text(stage: Stage) -> None:
    """The carrier refuses a text; the agent learns why."""
    await stage.simulator.set_carrier("unreachable", number=FAY.number)
    await stage.text(FAY, "Can you call me?")
    await stage.answer(FAY, "We tried. Is this number right?")
    await stage.until_note(FAY, "unreachable")


async def another_brand(stage: Stage) -> None:
    """A number of another brand; then the agent leaves, and the customer writes again."""
    await stage.text(GUS, "Is the blue bike still for rent?")
    await stage.answer(GUS, "It is, 12 dollars a day.")
    await stage.until_all_heard()
    stage.expect(GUS, OWN_TEXTS[BIKES]["ended"])
    stage.transcript.note("the agent leaves Gus's chat, and the flow ends it")
    await stage.desk.leave(await stage.chat_of(GUS))
    await stage.until_heard(GUS, Way.TO_CUSTOMER, 3)
    await stage.text(GUS, "One more thing: do you have helmets?")
    await stage.answer(GUS, "We do, they are free.")


async def a_busy_minute(stage: Stage) -> None:
    """Four lines at once."""
    scenes: tuple[Scene, ...] = (
        a_stranger_in_a_hurry,
        stop_and_return,
        a_refused_text,
        another_brand,
    )
    await asyncio.gather(*(scene(stage) for scene in scenes))
    await stage.until_all_heard()


SCENES: tuple[tuple[str, Scene], ...] = (
    ("A conversation: long texts, emoji, another alphabet, a picture", a_conversation),
    ("Two customers at once", two_at_once),
    (
        "A busy minute: a stranger in a hurry, STOP and START, a refused text, another brand",
        a_busy_minute,
    ),
)
