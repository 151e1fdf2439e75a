"""What a soak has come to: said, the ledger and the dead letters, compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.judge import Said, count_receipts, judge, read_ledger
from demo.queues import Buried

_READ = frozenset({"StartChatContact", "SendTextMessage", "SendMediaMessage", "chat_item"})


@dataclass
class Inputs:
    """All that went in. `bad` are bodies that must end in a dead-letter queue."""

    said: list[Said] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    conversations: int = 0

    @property
    def events(self) -> int:
        """Texts, replies, chat ends; a receipt for each reply; bad input."""
        return len(self.said) + len(self.replies) + len(self.bad)


@dataclass
class Findings:
    """Counts over all events. What is uncertain counts as lost: with receipts on none may be."""

    once: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    dead_lettered: int = 0
    others: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Every event once, in order, and nothing that nobody said."""
        return not (self.lost or self.twice or self.out_of_order or self.others)


def compare(inputs: Inputs, ledger: Path, buried: Sequence[Buried]) -> Findings:
    """Judge everything. The ledger is read twice, line by line: it may be large."""
    heard, notes, chats = read_ledger(_entries(ledger))
    judgement = judge(inputs.said, heard, notes)
    findings = Findings(
        once=judgement.delivered_once,
        lost=judgement.lost + judgement.uncertain,
        twice=judgement.twice,
        out_of_order=judgement.out_of_order,
        others=judgement.unexpected + len(notes),
        faults=[*judgement.faults, *(f"note: {note.body}" for note in notes)],
    )
    _add_receipts(findings, inputs.replies, ledger)
    _add_buried(findings, inputs.bad, buried)
    if chats != inputs.conversations:
        findings.others += 1
        findings.faults.append(f"{chats} chats for {inputs.conversations} conversations")
    return findings


def _add_receipts(findings: Findings, replies: Iterable[str], ledger: Path) -> None:
    receipts = count_receipts(_entries(ledger))
    for reply in replies:
        count = receipts[reply]
        findings.once += count == 1
        findings.lost += count == 0
        findings.twice += count > 1
        if count != 1:
            findings.faults.append(f"{count} receipts for a reply")


def _add_buried(findings: Findings, bad: Iterable[str], buried: Sequence[Buried]) -> None:
    """A worker killed between the copy and the delete leaves a second copy: that is no effect."""
    reasons = {letter.body: letter.reason for letter in buried}
    wanted = set(bad)
    for body in wanted:
        is_buried = bool(reasons.get(body))
        findings.dead_lettered += is_buried
        findings.once += is_buried
        findings.lost += not is_buried
        if not is_buried:
            findings.faults.append(f"not dead-lettered with a reason: {body[:60]}")
    for letter in buried:
        if letter.body not in wanted:
            findings.others += 1
            findings.faults.append(f"dead-lettered: {letter.queue}, {letter.reason}")


def _entries(ledger: Path) -> Iterator[dict[str, Any]]:
    with ledger.open(encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["kind"] != "refused" and entry["name"] in _READ:
                yield entry
