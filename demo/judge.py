"""Says whether what came out is what went in, from the inputs and the simulator's ledger alone.

Inputs are what customers and agents said. What came out is what the ledger shows: chat items of
the customer's participant, and accepted SendTextMessage requests. Long messages are cut on the
way and characters are replaced, so messages are compared word by word, after both sides' spelling
is folded to the plainest form.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

UNCERTAIN_NOTE = "could not be confirmed"


class Way(StrEnum):
    """Which way a message goes."""

    TO_AGENT = "to_agent"
    TO_CUSTOMER = "to_customer"


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation: two numbers. Chats come and go on it."""

    our_number: str
    customer_number: str


@dataclass(frozen=True, slots=True)
class Said:
    """One input. `at` (ISO 8601) orders those of a side; `ours`: a text that we send ourselves."""

    line: Line
    way: Way
    body: str
    at: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One output: a text that the carrier took, or a customer's message in a chat.

    `source`: the ledger's request id of the text, or the item's id in the chat.
    """

    line: Line
    way: Way
    body: str
    at: str
    contact_id: str = ""
    source: str = ""


class Fault(StrEnum):
    """What is wrong with a message."""

    LOST = "lost"
    TWICE = "twice"
    OUT_OF_ORDER = "out_of_order"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, and the messages that show it.

    lost: `said`. twice: `said`, and `heard` once more. out_of_order: `said` was heard as `heard`,
    although it was said after `overtaken`. unexpected: `heard`.
    """

    fault: Fault
    said: Said | None = None
    heard: Heard | None = None
    overtaken: Said | None = None


@dataclass(slots=True)
class Judgement:
    """Counts, and the messages behind each that is not zero."""

    texts: int = 0
    agent_messages: int = 0
    delivered_once: int = 0
    lost: int = 0
    twice: int = 0
    uncertain: int = 0
    out_of_order: int = 0
    unexpected: int = 0
    faults: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Every message once, in order, and nothing else."""
        return not (self.lost or self.twice or self.out_of_order or self.unexpected)


def counts(judgement: Judgement) -> dict[str, int]:
    """What every report of a judgement begins with."""
    return {
        "texts": judgement.texts,
        "agent_messages": judgement.agent_messages,
        "delivered_once": judgement.delivered_once,
        "lost": judgement.lost,
        "twice": judgement.twice,
        "uncertain": judgement.uncertain,
        "out_of_order": judgement.out_of_order,
    }


def judge(said: Sequence[Said], heard: Sequence[Heard], notes: Sequence[Heard] = ()) -> Judgement:
    """Compare both directions of every line. `notes` are our own words to the agent."""
    judgement = Judgement(
        texts=sum(1 for s in said if s.way is Way.TO_AGENT),
        agent_messages=sum(1 for s in said if s.way is Way.TO_CUSTOMER and not s.ours),
    )
    doubts: dict[Line, int] = defaultdict(int)
    for note in notes:
        doubts[note.line] += UNCERTAIN_NOTE in note.body
    inputs: dict[tuple[Line, Way], list[Said]] = defaultdict(list)
    outputs: dict[tuple[Line, Way], list[Heard]] = defaultdict(list)
    for s in said:
        inputs[s.line, s.way].append(s)
    for h in heard:
        outputs[h.line, h.way].append(h)
    for line, way in sorted(inputs.keys() | outputs.keys(), key=str):
        _judge_lane(
            sorted(inputs[line, way], key=lambda s: s.at),
            outputs[line, way],
            doubts[line] if way is Way.TO_CUSTOMER else 0,
            judgement,
        )
    return judgement


@dataclass(slots=True)
class _Expected:
    said: Said
    words: list[str]
    heard: int = 0  # words so far
    begun_by: Heard | None = None
    done_at: int = -1  # which output completed it


def _judge_lane(
    said: Sequence[Said], heard: Sequence[Heard], doubts: int, judgement: Judgement
) -> None:
    expected = [_Expected(s, words(s.body)) for s in said]
    for place, piece in enumerate(heard):
        _take(expected, words(piece.body), place, piece, judgement)
    missing = [e for e in expected if e.done_at < 0]
    # A text whose fate stayed in doubt was said to be so: neither lost nor twice.
    uncertain = min(doubts, len(missing))
    judgement.uncertain += uncertain
    judgement.lost += len(missing) - uncertain
    judgement.faults += [f"lost: {_show(e.said)}" for e in missing[uncertain:]]
    judgement.findings += [Finding(Fault.LOST, e.said) for e in missing[uncertain:]]
    done = [e for e in expected if e.done_at >= 0]
    judgement.delivered_once += len(done)
    for earlier, later in pairwise(done):
        if later.done_at < earlier.done_at:
            judgement.out_of_order += 1
            judgement.faults.append(f"out of order: {_show(later.said)}")
            judgement.findings.append(
                Finding(Fault.OUT_OF_ORDER, later.said, later.begun_by, earlier.said)
            )


def _take(
    expected: list[_Expected], piece: list[str], place: int, heard: Heard, judgement: Judgement
) -> None:
    """Find the message that this output is, or the next part of."""
    for candidate in expected:
        rest = candidate.words[candidate.heard :]
        if rest and rest[: len(piece)] == piece:
            candidate.begun_by = candidate.begun_by or heard
            candidate.heard += len(piece)
            if candidate.heard == len(candidate.words):
                candidate.done_at = place
            return
    for e in expected:
        if piece in (e.words[: len(piece)], e.words[-len(piece) :]):
            judgement.twice += 1
            judgement.faults.append(f"twice: {_shorten(heard.body)}")
            judgement.findings.append(Finding(Fault.TWICE, e.said, heard))
            return
    judgement.unexpected += 1
    judgement.faults.append(f"unexpected, {heard.way}: {_shorten(heard.body)}")
    judgement.findings.append(Finding(Fault.UNEXPECTED, heard=heard))


def count_receipts(entries: Iterable[dict[str, Any]]) -> Counter[str]:
    """How often the chats were told that a text was delivered, by the agent's message."""
    receipts: Counter[str] = Counter()
    for entry in entries:
        if entry["name"] == "chat_item" and entry["params"].get("receipt"):
            receipts[entry["params"]["receipt"]["MessageId"]] += 1
    return receipts


LINK = "(link)"
_URL = re.compile(r"https?://\S+")
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})


def words(text: str) -> list[str]:
    """The text in its plainest spelling, as words; a lone word stands for no words at all."""
    text = _URL.sub(LINK, text)
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN))
    return re.findall(r"\S+", plain) or ["(blank)"]


def read_ledger(
    entries: Iterable[dict[str, Any]], *, note_marks: Sequence[str] = ("[",)
) -> tuple[list[Heard], list[Heard], int]:
    """What was heard, our notes to agents, and how many chats were opened.

    Who is behind a chat is read from the attributes that its StartChatContact carried; a chat is
    counted by its contact id, so a repeated start with the same token is the same chat. What
    belongs to a chat that was started before these entries is passed over.
    """
    lines: dict[str, Line] = {}
    heard: list[Heard] = []
    notes: list[Heard] = []
    for entry in entries:
        params = entry["params"]
        if entry["kind"] == "request" and entry["name"] == "StartChatContact":
            attributes = params["Attributes"]
            lines[entry["result"]["ContactId"]] = Line(
                attributes["sb_our_number"], attributes["sb_customer_number"]
            )
        elif entry["kind"] == "request" and entry["name"] in _SENDS:
            line = Line(params["OriginationIdentity"], params["DestinationPhoneNumber"])
            body = params.get("MessageBody") or " ".join(params.get("MediaUrls", ()))
            source = entry.get("request_id") or ""
            heard.append(Heard(line, Way.TO_CUSTOMER, body, entry["at"], source=source))
        elif entry["kind"] == "fact" and entry["name"] == "chat_item" and _is_ours(params):
            whose = lines.get(params["initial_contact_id"])
            if whose is None:
                continue
            item = Heard(
                whose,
                Way.TO_AGENT,
                params["content"],
                params["at"],
                params["initial_contact_id"],
                params["id"],
            )
            (notes if params["content"].startswith(tuple(note_marks)) else heard).append(item)
    return heard, notes, len(lines)


_SENDS = frozenset({"SendTextMessage", "SendMediaMessage"})


def _is_ours(item: dict[str, Any]) -> bool:
    return (item["role"], item["type"]) == ("CUSTOMER", "MESSAGE")


def _show(said: Said) -> str:
    return f"{said.way} {said.line.customer_number}: {_shorten(said.body)}"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
