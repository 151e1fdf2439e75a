"""`switchboard calls`: lists of people to be called, from a file to a report."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from schemas.own import ReminderWatch
from workers.addresses import Channel
from workers.brands import Brand
from workers.cli.audit import author, log_act, shown
from workers.cli.calling import EXIT_USAGE, give_up, run_with_calls
from workers.handlers.reminders.asking import Asker
from workers.handlers.reminders.call_list import (
    BrokenRow,
    ListPlan,
    Row,
    UnreadableListError,
    read_list,
)
from workers.handlers.reminders.changes import made
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.ladder import useful_of
from workers.handlers.reminders.policy import Later, Never, Now
from workers.phone import mask
from workers.stores.call_records import CallList, ListState, RecordMoved, Reminder

AT_ONCE: Final = 16
FIELDS: Final = ("line", "id", "number", "state", "detail", "calls", "text", "ended_at")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Work = TypeVar("Work")
Answer = TypeVar("Answer")

_name = click.argument("name", metavar="LIST")
_by = click.option("--by", default=None, help="Who says so. You, on this host, by default.")
_reason = click.option(
    "--reason", required=True, help="Why, for the next who looks. No customer's data."
)


@click.group()
def calls() -> None:
    """Start, watch, pause, resume and cancel call lists.

    A list is a CSV file with a head line, or JSON lines. A row has `number` and `appointment_at`
    (or `useful_until`); `name`, `zone`, `language`, `customer_id`, `not_before` and `id` if you
    like. Other columns go to the contact flow as attributes. docs/reminders.md tells the rest.

    The commands need a worker's environment (docs/configuration.md lists it) and AWS credentials.
    Numbers are shown masked (+1206•••0100) unless you ask. Every change is written to stderr as
    one JSON line.

    Exit status: 0 done, 1 AWS refused or did not answer, 2 the command or the environment is wrong.
    """


@calls.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--brand", required=True, help="The brand that calls.")
@click.option("--at", help="Call from then on: ISO 8601 with an offset. Now by default.")
@click.option("--name", help="The list's name. By default the file's, with a mark of its content.")
@click.option("--dry-run", is_flag=True, help="Say what would follow for each row; call nobody.")
@click.option("--strict", is_flag=True, help="Start nothing if a single row is broken.")
@_by
def start(  # noqa: PLR0913 - a command's options
    *,
    file: Path,
    brand: str,
    at: str | None,
    name: str | None,
    dry_run: bool,
    strict: bool,
    by: str | None,
) -> None:
    """Have the people in FILE called; print the list's name.

    Broken rows are named with their line, and the others go on. The same file started again is the
    same list: nobody is called again, and rows that were added are.

    \b
    switchboard calls start march.csv --brand "Example Clinic" --at 2026-12-01T09:00:00-08:00
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    content = _content(file)
    plan = ListPlan(_list_name(name, file, content), brand, _time(at))
    rows, broken = _read(file, content, plan)
    for each in broken:
        click.echo(f"line {each.line}: {each.says}", err=True)
    if not rows or (broken and strict):
        give_up(f"{len(rows)} rows to call, {len(broken)} broken: nothing was started", EXIT_USAGE)
    work = _preview(plan, rows) if dry_run else _start(plan, rows, author(by))
    click.echo(asyncio.run(run_with_calls(work)))
    if broken:
        click.echo(f"{len(broken)} rows are broken and were left out", err=True)


@calls.command()
@_name
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def status(name: str, as_json: bool) -> None:
    """Show how far LIST is: its state, and how many reminders stand how."""

    async def look(deps: Deps) -> tuple[CallList, list[dict[str, Any]]]:
        return await _list_of(deps, name), await _rows(deps, name, full=False)

    found, rows = asyncio.run(run_with_calls(look))
    counts = Counter(row["state"] for row in rows)
    if as_json:
        about = {"list": name, "state": found.state.value, "brand": found.brand}
        click.echo(
            json.dumps({**about, "rows": len(rows), "by_state": dict(sorted(counts.items()))})
        )
        return
    click.echo(f"{name} is {found.state.value}: {len(rows)} rows of {found.brand}")
    for state, count in sorted(counts.items()):
        click.echo(f"  {state:<16}{count:>7}")


@calls.command()
@_name
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table")
@click.option("--full", is_flag=True, help="Numbers in full.")
def report(name: str, form: str, full: bool) -> None:
    """Write what became of every row of LIST.

    \b
    switchboard calls report march-3fa9c1d2 --format csv > march-results.csv
    """  # noqa: D301 - as above

    async def look(deps: Deps) -> list[dict[str, Any]]:
        await _list_of(deps, name)
        return await _rows(deps, name, full=full)

    rows = asyncio.run(run_with_calls(look))
    if full:
        log_act("call_list_reported", call_list=name, by=author(None))
    if form == "json":
        click.echo(json.dumps({"list": name, "rows": rows}))
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print(rows)


@calls.command()
@_name
@_reason
@_by
def pause(name: str, reason: str, by: str | None) -> None:
    """Begin no more calls of LIST. Those that are on go on."""
    _change(name, ListState.PAUSED, reason, by)


@calls.command()
@_name
@_by
def resume(name: str, by: str | None) -> None:
    """Go on with LIST."""
    _change(name, ListState.RUNNING, "resumed", by)


@calls.command()
@_name
@_reason
@_by
def cancel(name: str, reason: str, by: str | None) -> None:
    """End LIST: its open reminders end as they stand. There is no way back."""
    _change(name, ListState.CANCELLED, reason, by)


# --- the file ------------------------------------------------------------------------------------


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        give_up(f"{file}: not UTF-8 at byte {problem.start}; save it as UTF-8", EXIT_USAGE)


def _list_name(name: str | None, file: Path, content: str) -> str:
    if name is not None:
        if not _NAME.fullmatch(name):
            raise click.BadParameter("1 to 40 letters, digits and _.-", param_hint="--name")
        return name
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", file.stem)[:31] or "list"
    return f"{stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _time(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter("write 2026-12-01T09:00:00-08:00", param_hint="--at")
    return found


def _read(file: Path, content: str, plan: ListPlan) -> tuple[list[Row], list[BrokenRow]]:
    is_csv = file.suffix.lower() not in (".jsonl", ".ndjson", ".json")
    try:
        found = list(read_list(content, plan, is_csv=is_csv))
    except UnreadableListError as problem:
        give_up(f"{file}: {problem}", EXIT_USAGE)
    rows = [row for row in found if isinstance(row, Row)]
    return rows, [row for row in found if isinstance(row, BrokenRow)]


# --- starting ------------------------------------------------------------------------------------


def _start(plan: ListPlan, rows: Sequence[Row], who: str) -> Callable[[Deps], Awaitable[str]]:
    async def work(deps: Deps) -> str:
        _brand(deps, plan.brand)
        await _make_list(deps, plan, len(rows))

        async def send(row: Row) -> None:
            await deps.calls.add_row(plan.name, deps.calls.rid(row.remind.id), row.line)
            await deps.commands.send(row.remind)

        with click.progressbar(length=len(rows), label="Asking", file=sys.stderr) as bar:
            await _each(rows, send, bar.update)
        log_act("call_list_started", call_list=plan.name, by=who, rows=str(len(rows)))
        return f"{plan.name}: {len(rows)} reminders are asked for"

    return work


async def _make_list(deps: Deps, plan: ListPlan, count: int) -> None:
    """New, or the one of that name, which may have been stopped half-way through its rows."""
    there = await deps.calls.call_list(plan.name)
    if there is not None and there.brand != plan.brand:
        give_up(f"{plan.name} is a list of {there.brand}: name another", EXIT_USAGE)
    if there is not None and there.state is ListState.CANCELLED:
        give_up(f"{plan.name} was cancelled: give the list another --name", EXIT_USAGE)
    now_ms = deps.clock.now_ms()
    new = CallList(plan.name, plan.brand, ListState.RUNNING, count, now_ms)
    wanted = new if there is None else replace(there, rows=max(count, there.rows))
    try:
        await deps.calls.save_list(wanted)
    except RecordMoved:
        give_up(f"{plan.name} was changed at the same moment; repeat the command", EXIT_USAGE)


def _preview(plan: ListPlan, rows: Sequence[Row]) -> Callable[[Deps], Awaitable[str]]:
    async def work(deps: Deps) -> str:
        brand, asker = _brand(deps, plan.brand), Asker(deps)
        lines: dict[int, tuple[str, str]] = {}

        async def look(row: Row) -> None:
            lines[row.line] = await _foreseen(deps, asker, brand, row)

        await _each(rows, look, lambda _: None)
        shown_rows = [(str(r.line), mask(r.remind.number), *lines[r.line]) for r in rows]
        table = [("LINE", "NUMBER", "CALL", "WHY"), *shown_rows]
        counts = Counter(why or "now" for _, why in lines.values())
        told = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
        return f"{_aligned(table)}\n{len(rows)} rows: {told}. Nobody was called."

    return work


async def _foreseen(deps: Deps, asker: Asker, brand: Brand, row: Row) -> tuple[str, str]:
    """When a row's first call may be made, as things stand."""
    rules, now_ms = deps.config.reminders, deps.clock.now_ms()
    rid = deps.calls.rid(row.remind.id)
    known = await deps.calls.find(rid)
    if known is not None:
        return "-", f"known, {_state(known)}"
    until_ms = int(useful_of(row.remind, rules).until.timestamp() * 1000)
    new = made(rid, row.remind, now_ms=now_ms, record_days=rules.record_days, until_ms=until_ms)
    judgement, _ = await asker.judge(new, brand, Channel.VOICE, rid, _EPOCH)
    match judgement:
        case Now():
            return "now", ""
        case Later(at, reason):
            return at.astimezone(UTC).isoformat(timespec="minutes"), reason
        case Never(reason):
            return "never", reason


def _brand(deps: Deps, name: str) -> Brand:
    brand = deps.config.find(name)
    if brand is None or brand.calls is None:
        names = ", ".join(b.name for b in deps.config.brands if b.calls is not None)
        give_up(f"no brand {name!r} makes calls. There are: {names or 'none'}", EXIT_USAGE)
    return brand


async def _each(
    work: Iterable[Work], do: Callable[[Work], Awaitable[None]], done: Callable[[int], None]
) -> None:
    """A few at a time."""
    todo = list(work)
    for first in range(0, len(todo), AT_ONCE):
        some = todo[first : first + AT_ONCE]
        await asyncio.gather(*(do(each) for each in some))
        done(len(some))


# --- a list's life -------------------------------------------------------------------------------


def _change(name: str, state: ListState, reason: str, by: str | None) -> None:
    who, why = author(by), shown(reason, "--reason")

    async def work(deps: Deps) -> str:
        found = await _list_of(deps, name)
        if found.state is ListState.CANCELLED and state is not ListState.CANCELLED:
            give_up(f"{name} was cancelled; start the file again under another --name", EXIT_USAGE)
        if found.state is not state:
            try:
                await deps.calls.save_list(replace(found, state=state))
            except RecordMoved:
                give_up(f"{name} was changed at the same moment; repeat the command", EXIT_USAGE)
        count = 0 if state is ListState.PAUSED else await _wake(deps, name)
        log_act("call_list_changed", call_list=name, state=state.value, by=who, reason=why)
        return f"{name} is {state.value}" + (f"; {count} reminders are woken" if count else "")

    click.echo(asyncio.run(run_with_calls(work)))


async def _wake(deps: Deps, name: str) -> int:
    """Send the watch of each open reminder anew: those that are under way may be hours off."""
    woken: list[str] = []

    async def wake(rid: str) -> None:
        reminder = await deps.calls.find(rid)
        if reminder is not None and reminder.result is None:
            await deps.commands.send(ReminderWatch(rid=rid))
            woken.append(rid)

    await _each(await deps.calls.rows(name), wake, lambda _: None)
    return len(woken)


async def _list_of(deps: Deps, name: str) -> CallList:
    found = await deps.calls.call_list(name)
    if found is None:
        give_up(f"there is no list {name}; `calls start` prints each list's name", EXIT_USAGE)
    return found


# --- how it looks --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    line: int
    reminder: Reminder | None


async def _rows(deps: Deps, name: str, *, full: bool) -> list[dict[str, Any]]:
    seen: list[_Seen] = []

    async def look(row: tuple[str, int]) -> None:
        seen.append(_Seen(row[1], await deps.calls.find(row[0])))

    await _each((await deps.calls.rows(name)).items(), look, lambda _: None)
    prefix = f"{name}:"
    return [_fields(one, prefix, full=full) for one in sorted(seen, key=lambda s: s.line)]


def _fields(seen: _Seen, prefix: str, *, full: bool) -> dict[str, Any]:
    reminder = seen.reminder
    if reminder is None:
        return dict.fromkeys(FIELDS, "") | {"line": seen.line, "state": "asked", "calls": 0}
    number = reminder.job.number
    return {
        "line": seen.line,
        "id": reminder.job.id.removeprefix(prefix),
        "number": number if full else mask(number),
        "state": _state(reminder),
        "detail": reminder.detail,
        "calls": len(reminder.attempts),
        "text": reminder.text.stage.value if reminder.text is not None else "",
        "ended_at": _iso(reminder.closed_ms),
    }


def _state(reminder: Reminder) -> str:
    """Its result, or what it waits for."""
    if reminder.result is not None:
        return reminder.result.value
    last = reminder.attempts[-1] if reminder.attempts else None
    if last is not None and last.result is None:
        return "calling"
    return "waiting"


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds") if ms else ""


def _print(rows: Iterable[dict[str, Any]]) -> None:
    head = tuple(field.upper().replace("_", " ") for field in FIELDS)
    table = [head, *(tuple(str(row[field]) for field in FIELDS) for row in rows)]
    click.echo(_aligned(table))


def _aligned(table: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    )
