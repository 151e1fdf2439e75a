"""How dead letters look: tables for people, one JSON object for programs. Nobody's data unasked."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import click

from workers.cli.dlq.copy import Look
from workers.cli.dlq.letters import Group, Letter, grouped
from workers.cli.dlq.outline import outline
from workers.cli.dlq.queues import Tally
from workers.cli.dlq.trial import Trial
from workers.log import mask

Try = Callable[[Letter], Trial]

_HEAD: Final = ("GROUP", "QUEUE", "COUNT", "REASON", "SCHEMA PATH", "OLDEST", "DIED", "NOW")


def groups(look: Look, tried: Try, now: datetime, *, as_json: bool) -> None:
    """The groups of a look, each with what would become of it."""
    found = grouped(look.letters)
    fates = {
        group.mark: Counter(_told(tried(letter)) for letter in group.letters) for group in found
    }
    if as_json:
        about = [_group_fields(group, fates[group.mark]) for group in found]
        answer = {"looked_at": _iso(look.at), "cut_short": list(look.cut_short), "groups": about}
        click.echo(json.dumps(answer))
        return
    if not found:
        click.echo(f"no dead letters, as of {_iso(look.at)}")
        return
    rows = [_HEAD, *(_cells(group, fates[group.mark], now) for group in found)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(_HEAD))]
    for cells in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
    age = _age((now - look.at).total_seconds())
    click.echo(f"as of {_iso(look.at)}, {age} ago; `switchboard dlq ls --fresh` looks again")
    for name in look.cut_short:
        click.echo(f"{name}: there are more than were looked at; --limit takes more")


def letters(found: Sequence[Letter], tried: Try, *, reveal: bool, as_json: bool) -> None:
    """Letters one by one."""
    fields = [_letter_fields(letter, tried(letter), reveal=reveal) for letter in found]
    if as_json:
        click.echo(json.dumps({"letters": fields}, ensure_ascii=False))
        return
    for each in fields:
        click.echo(f"{each['id']}  {each['queue']}  {each['group']}")
        for name in ("reasons", "attributes", "body"):
            text = json.dumps(each[name], ensure_ascii=False, indent=2)
            click.echo(_indented(name, each[name] if isinstance(each[name], str) else text))
        click.echo(f"  died: {each['died_at']}, first received: {each['first_received_at']}")
        now = each["now"]
        click.echo(f"  now: {' '.join(filter(None, (now['fate'], now['why'])))}")
        for line in now["would"]:
            click.echo(f"    {line}")


def question(verb: str, found: Sequence[Letter], now: datetime, again: int) -> str:
    """What is about to be done, to which letters, and how old they are."""
    lines = [f"{len(found)} letters to {verb}:"]
    for group in grouped(found):
        about = f"{len(group.letters):>5}  {group.queue}  {group.reason} {group.path}".rstrip()
        ages = _ages([letter.first_received_at for letter in group.letters], now)
        lines += [f"  {about}  first received {ages}"]
    if again:
        lines.append(f"{again} of them would be dead-lettered again by the code at hand.")
    return "\n".join(lines)


def outcome(verb: str, tally: Tally, *, as_json: bool) -> None:
    """What came of it."""
    if as_json:
        click.echo(
            json.dumps(
                {
                    verb: tally.done,
                    "sent_before": tally.finished,
                    "sent_perhaps_before": tally.doubtful,
                    "refused": tally.refused,
                    "missing": tally.missing,
                }
            )
        )
        return
    click.echo(f"{len(tally.done)} {'sent back' if verb == 'redrive' else 'deleted'}")
    if tally.finished:
        click.echo(f"{len(tally.finished)} of them an earlier run had sent; deleted only")
    if tally.doubtful:
        click.echo(f"{len(tally.doubtful)} of them an earlier run may have sent; sent again")
    for message_id, code in tally.refused.items():
        click.echo(f"{message_id}: SQS does not take it ({code}); it stays in the DLQ")
    if tally.missing:
        click.echo(
            f"{len(tally.missing)} are not in the DLQ, or another's look has them for a minute: "
            "`switchboard dlq ls --fresh` tells"
        )


def _told(trial: Trial) -> str:
    return f"{trial.fate}: {trial.why}" if trial.why else str(trial.fate)


def _group_fields(group: Group, fates: Mapping[str, int]) -> dict[str, Any]:
    died = [letter.died_at for letter in group.letters]
    return {
        "group": group.mark,
        "queue": group.queue,
        "count": len(group.letters),
        "reason": group.reason,
        "schema_path": group.path,
        "first_received_at": _iso(min(letter.first_received_at for letter in group.letters)),
        "died_first_at": _iso(min(died)),
        "died_last_at": _iso(max(died)),
        "now": dict(fates),
    }


def _cells(group: Group, fates: Mapping[str, int], now: datetime) -> tuple[str, ...]:
    oldest = min(letter.first_received_at for letter in group.letters)
    return (
        group.mark,
        group.queue,
        str(len(group.letters)),
        _printable(group.reason),
        _printable(group.path) or "-",
        _age((now - oldest).total_seconds()),
        _ages([letter.died_at for letter in group.letters], now),
        ", ".join(f"{count} {_printable(told)}" for told, count in sorted(fates.items())),
    )


def _letter_fields(letter: Letter, trial: Trial, *, reveal: bool) -> dict[str, Any]:
    attributes = {
        name: b64encode(value.value).decode() if isinstance(value.value, bytes) else value.value
        for name, value in letter.originals.items()
    }
    return {
        "id": letter.message_id,
        "group": letter.mark,
        "queue": letter.queue,
        "reasons": {name: mask(text) for name, text in letter.reasons.items()},
        "died_at": _iso(letter.died_at),
        "first_received_at": _iso(letter.first_received_at),
        "attributes": attributes if reveal else dict.fromkeys(attributes, "<hidden>"),
        "body": letter.body if reveal else outline(letter.body),
        "now": {"fate": trial.fate.value, "why": trial.why, "would": list(trial.would)},
    }


def _indented(name: str, text: str) -> str:
    lines = [_printable(line) for line in text.splitlines()]
    return "\n".join(
        [f"  {name}: {lines[0] if lines else ''}", *(f"  {line}" for line in lines[1:])]
    )


def _ages(moments: Sequence[datetime], now: datetime) -> str:
    youngest, oldest = (
        _age((now - moment).total_seconds()) for moment in (max(moments), min(moments))
    )
    return f"{oldest} ago" if youngest == oldest else f"{youngest} to {oldest} ago"


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _printable(text: str) -> str:
    """What a terminal may be shown: it could hold its control sequences."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
