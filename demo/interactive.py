"""`make demo ARGS=--interactive`: the world stays up, and two more terminals are the two sides.

`python -m demo.interactive phone URL` is a customer's phone, `python -m demo.interactive desk URL`
an agent's desk. Both read lines and print what the other side says.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from demo.contact_centre import CLINIC
from demo.transcript import Transcript
from infra.local.world import World
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk, DeskChange
from simulator.control_channel import ControlError

PHONE = "+12065550111"
LOOK_S = 20.0
PHONE_HELP = "Type a text and press Enter. STOP, START and HELP work too. Ctrl-D ends."
DESK_HELP = (
    "Type an answer and press Enter: it goes to the chat that wrote last.\n"
    "/chats lists them, /to N chooses one, /leave leaves it, /end ends it. Ctrl-D ends."
)


async def leave_it_up(world: World, transcript: Transcript) -> int:
    """Say how to take part, and stay until Ctrl-C."""
    python = _shown(sys.executable)
    url = world.simulator_url
    transcript.scene("It is up. Open two more terminals in this folder:")
    transcript.note(f"the customer's phone:  {python} -m demo.interactive phone {url}")
    transcript.note(f"the agent's desk:      {python} -m demo.interactive desk {url}")
    transcript.note(f"health and metrics:    {world.worker_url(0)}/healthz  /metrics")
    transcript.note("Ctrl-C here takes it all down")
    await asyncio.Event().wait()
    return 0


async def phone(url: str, number: str, our_number: str) -> None:
    """A customer's phone in a terminal."""
    _show(f"You are {number}, texting {our_number}. {PHONE_HELP}")
    async with SimulatorClient(url) as simulator:

        async def watch() -> None:
            seen = len(await simulator.handset(number))
            while True:
                for text in await simulator.handset(number, after=seen, wait_s=LOOK_S):
                    seen = text.place
                    _show(f"< {text.body or ' '.join(text.media_urls)}")

        async def send(line: str) -> None:
            await simulator.text_from_customer(number, our_number, line)

        await _converse(watch, send)


async def desk(url: str) -> None:
    """An agent's desk in a terminal."""
    _show(f"You are the agent; chats are answered for you. {DESK_HELP}")
    async with AgentDesk(url) as agent_desk:
        seat = _Seat(agent_desk)
        await _converse(seat.watch, seat.take)


class _Seat:
    """One agent at one desk: the chats that wrote, and the one being answered."""

    def __init__(self, agent_desk: AgentDesk) -> None:
        self._desk = agent_desk
        self._chats: list[str] = []
        self._current: str | None = None

    async def watch(self) -> None:
        """Print what customers say and where chats stand."""
        async for change in self._desk.watch():
            self._show(change)

    async def take(self, line: str) -> None:
        """Carry out one line."""
        if line == "/chats":
            for place, chat in enumerate(self._chats, 1):
                mark = "*" if chat == self._current else " "
                _show(f"{mark} {place}  {(await self._desk.chat(chat)).display_name}")
        elif line.startswith("/to "):
            self._choose(line.removeprefix("/to ").strip())
        elif self._current is None:
            _show("! nobody has written yet")
        elif line == "/leave":
            await self._desk.leave(self._current)
        elif line == "/end":
            await self._desk.end(self._current)
        else:
            await self._desk.say(self._current, line)

    def _choose(self, place: str) -> None:
        if place.isdecimal() and 1 <= int(place) <= len(self._chats):
            self._current = self._chats[int(place) - 1]
        else:
            _show(f"! /to takes a number from 1 to {len(self._chats)}")

    def _show(self, change: DeskChange) -> None:
        if change.contact_id not in self._chats:
            self._chats.append(change.contact_id)
        place = self._chats.index(change.contact_id) + 1
        if change.state is not None:
            _show(f"· chat {place} is {change.state.replace('_', ' ')}")
        elif change.item is not None and change.item.is_from_customer and change.item.content:
            self._current = change.contact_id
            _show(f"< chat {place}, {change.item.display_name}: {change.item.content}")


async def _converse(
    watch: Callable[[], Awaitable[None]], take: Callable[[str], Awaitable[None]]
) -> None:
    """Read lines until the input ends, while `watch` prints the other side."""
    watching = asyncio.ensure_future(watch())
    try:
        async for line in _lines():
            if line.strip():
                try:
                    await take(line.strip())
                except ControlError as error:
                    _show(f"! {error}")
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _lines() -> AsyncIterator[str]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode(errors="replace")


def _show(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _shown(path: str) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def main() -> int:
    """One of the two sides."""
    parser = argparse.ArgumentParser(prog="python -m demo.interactive", description=__doc__)
    sides = parser.add_subparsers(dest="side", required=True)
    as_customer = sides.add_parser("phone", help="be a customer")
    as_customer.add_argument("url", help="the simulator's address, as `make demo` printed it")
    as_customer.add_argument("--number", default=PHONE, help="your number (%(default)s)")
    as_customer.add_argument("--to", default=CLINIC, help="whom you text (%(default)s)")
    as_agent = sides.add_parser("desk", help="be the agent")
    as_agent.add_argument("url", help="the simulator's address, as `make demo` printed it")
    chosen = parser.parse_args()
    run = (
        phone(chosen.url, chosen.number, chosen.to) if chosen.side == "phone" else desk(chosen.url)
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
