"""Whether a run kept its promises, and which of its faults the protocol does not promise to bear.

The judge is the demo's: it reads inputs and the simulator's ledger. Each fault that it finds is
then held against what the witness knows. It is excused only for a reason that
`docs/design/conversation-protocol.md`, "What is not promised", names, and only when that very
thing happened to that very message. The rest fails the seed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from demo.judge import Fault, Finding, Heard, Line, Way, judge, read_ledger
from dst.cloud import Cloud
from dst.people import Conversation, Utterance
from dst.witness import Attempt, Passage, Witness, receipts_of
from dst.worker import OWN_MARK
from simulator.contact_centre.content import CHAT_ENDED
from workers.handlers.chat_relay.entries import entry_id
from workers.testing import START

AT_ONCE_S = 0.05
"""A delivery no later than this was not held up on purpose."""
RECORDED_WITHIN_S = 20.0
"""From an intent to its record, the slowest way: a process that fell in this time left a doubt."""


@dataclass(slots=True)
class Ruling:
    """What one run comes to. `broken` says what fails it; `excused` counts by reason."""

    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    uncertain: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


class Bench:
    """Rules over one run."""

    def __init__(self, cloud: Cloud, conversations: Sequence[Conversation]) -> None:
        self._cloud = cloud
        self._witness: Witness = cloud.witness
        self._conversations = {one.line: one for one in conversations}
        self._utterances: dict[str, Utterance] = {
            each.said.body: each for one in conversations for each in one.uttered
        }
        self._entries = [entry.as_json() for entry in cloud.world.ledger.after()]
        self._item_requests: dict[str, str] = {
            entry["result"]["Id"]: entry["request_id"]
            for entry in reversed(self._entries)
            if entry["name"] == "SendMessage"
        }

    def rule(self) -> Ruling:
        """Judge, then excuse what may be excused."""
        ruling = Ruling()
        heard, notes, _ = read_ledger(self._entries)
        theirs = [one for one in heard if not one.body.startswith(OWN_MARK)]
        said = [each.said for each in self._utterances.values()]
        judgement = judge(said, theirs, notes)
        ruling.uncertain = judgement.uncertain
        for finding in judgement.findings:
            self._weigh(finding, ruling)
        self._weigh_own_texts(heard, ruling)
        self._weigh_chats(ruling)
        self._weigh_opt_outs(heard, ruling)
        ruling.broken += [f"simulator: {each}" for each in self._cloud.world.tasks.failures]
        return ruling

    def _weigh(self, finding: Finding, ruling: Ruling) -> None:
        match finding.fault:
            case Fault.LOST:
                excuse = self._excuse_lost(finding)
            case Fault.TWICE:
                excuse = self._excuse_twice(finding)
            case Fault.OUT_OF_ORDER:
                excuse = self._excuse_order(finding)
            case _:
                excuse = None
        if excuse is not None:
            ruling.excused[excuse] += 1
            return
        if finding.fault is not Fault.UNEXPECTED:
            setattr(ruling, finding.fault.value, getattr(ruling, finding.fault.value) + 1)
        ruling.broken.append(_told(finding))

    # --- lost -------------------------------------------------------------------------------------

    def _excuse_lost(self, finding: Finding) -> str | None:
        """Refused for an opt-out, or in doubt with nobody left to be told so."""
        utterance = self._utterance(finding)
        passage = self._passage(utterance)
        conversation = self._conversations[utterance.said.line]
        left_at = conversation.opted_out_at
        if left_at is not None and passage.done_at is not None and passage.done_at > left_at:
            return "opted_out"
        if utterance.said.way is Way.TO_CUSTOMER and self._was_in_doubt(utterance):
            return "in_doubt"
        if utterance.said.way is Way.TO_CUSTOMER and self._was_too_old(utterance, passage):
            return "too_old"
        return None

    def _was_in_doubt(self, utterance: Utterance) -> bool:
        """Some try left no answer behind, or whoever wrote the intent fell before it was done."""
        entry = _entry(utterance)
        attempts = self._witness.attempts.get(entry, [])
        if any(attempt in self._witness.unanswered for attempt in attempts):
            return True
        witness = self._witness
        return any(
            witness.fell_between(process, at, at + RECORDED_WITHIN_S)
            or witness.was_unanswered_twice(process, at, at + RECORDED_WITHIN_S)
            for at, process in self._passage(utterance).intents
        )

    def _was_too_old(self, utterance: Utterance, passage: Passage) -> bool:
        age_max_s = 900.0
        return passage.done_at is not None and passage.done_at - utterance.at_s > age_max_s

    # --- twice ------------------------------------------------------------------------------------

    def _excuse_twice(self, finding: Finding) -> str | None:
        utterance = self._utterance(finding)
        if utterance.said.way is Way.TO_CUSTOMER:
            return self._excuse_second_text(utterance)
        return self._excuse_second_chat_message(utterance, finding)

    def _excuse_second_text(self, utterance: Utterance) -> str | None:
        """Sent again on purpose after a doubt whose receipt was lost, late, or with the dead."""
        entry, witness = _entry(utterance), self._witness
        is_spoilt = entry in witness.spoilt_receipts or any(
            witness.fell_between(process, at, at + RECORDED_WITHIN_S)
            for at, process in witness.passages[receipts_of(entry)].receives
        )
        if self._cloud.plan.resends and is_spoilt and self._was_in_doubt(utterance):
            return "in_doubt_sent_again"
        return None

    def _excuse_second_chat_message(self, utterance: Utterance, finding: Finding) -> str | None:
        """The chat that took it ended before that was recorded: it is in the next one too."""
        first = self._first_heard(utterance, finding)
        if first is None or finding.heard is None or first.contact_id == finding.heard.contact_id:
            return None
        ended_at = self._ends().get(first.contact_id)
        if ended_at is None or ended_at > _moment(finding.heard.at):
            return None
        done_at = self._passage(utterance).done_at
        ended_s = (ended_at - START).total_seconds()
        return "chat_ended_before_the_record" if done_at is None or done_at > ended_s else None

    def _first_heard(self, utterance: Utterance, finding: Finding) -> Heard | None:
        heard, _, _ = read_ledger(self._entries)
        name = utterance.said.body.split()[0]
        return next(
            (
                one
                for one in heard
                if one.way is Way.TO_AGENT
                and one.line == utterance.said.line
                and one.body.split()[:1] == [name]
                and one != finding.heard
            ),
            None,
        )

    # --- out of order -----------------------------------------------------------------------------

    def _excuse_order(self, finding: Finding) -> str | None:
        """The overtaken one was not in the journal when the other went, and a fault says why."""
        assert finding.overtaken is not None and finding.heard is not None  # noqa: S101, PT018
        overtaken = self._utterances[finding.overtaken.body]
        went = self._attempt_of(finding.heard)
        passage = self._passage(overtaken)
        if went is None or passage.known_at is None or _entry(overtaken) in went.seen:
            return None
        later = self._utterance(finding)
        hold_s = self._cloud.plan.hold_ms / 1000
        if passage.known_at < self._held_until(later, hold_s) - self._clock_error_s():
            return None  # It came within the hold, so it had to be seen.
        return self._why_late(overtaken, passage)

    def _held_until(self, utterance: Utterance, hold_s: float) -> float:
        """Until when it waits for an earlier one, in true time."""
        known_at = self._passage(utterance).known_at or 0.0
        return max(utterance.at_s, known_at) + hold_s

    def _why_late(self, overtaken: Utterance, passage: Passage) -> str | None:
        known_at = passage.known_at or 0.0
        if passage.late_s is not None and passage.late_s > AT_ONCE_S:
            return "late_delivery"
        handed = [one for one in passage.receives if one[0] <= known_at]
        if any(self._witness.fell_between(process, at, known_at) for at, process in handed):
            return "worker_fell_before_the_journal"
        first_at = handed[0][0] if handed else known_at
        holders = {process for _, process in handed}
        if holders and self._witness.was_troubled(first_at, known_at, holders):
            return "call_failed_before_the_journal"
        if self._witness.was_short_of_polls(overtaken.at_s, first_at):
            return "nobody_polled"
        return None

    def _clock_error_s(self) -> float:
        mishaps = self._cloud.plan.mishaps
        return mishaps.skew_s + mishaps.jump_s

    def _attempt_of(self, heard: Heard) -> Attempt | None:
        request = heard.source
        if heard.way is Way.TO_AGENT:
            request = self._item_requests.get(heard.source, "")
        return self._witness.by_request.get(request)

    # --- our own doing ----------------------------------------------------------------------------

    def _weigh_own_texts(self, heard: Iterable[Heard], ruling: Ruling) -> None:
        """One goodbye for each chat that ended, at most."""
        ends = self._ends()
        chats: Counter[Line] = Counter()
        for line, contact in self._chats():
            chats[line] += contact in ends
        goodbyes = Counter(one.line for one in heard if one.body == f"{OWN_MARK}ended")
        for line, count in sorted(goodbyes.items(), key=str):
            if count > chats[line] and not self._cloud.plan.resends:
                ruling.twice += count - chats[line]
                ruling.broken.append(f"twice: {count} goodbyes for {chats[line]} chats")

    def _weigh_chats(self, ruling: Ruling) -> None:
        """Never two chats of one conversation at once."""
        ends = self._ends()
        lives: dict[Line, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        started = self._started_at()
        for line, contact in self._chats():
            lives[line].append((started[contact], ends.get(contact)))
        for line, spans in sorted(lives.items(), key=str):
            for (_, end), (start, _) in pairwise(spans):
                if end is None or start < end:
                    ruling.twice += 1
                    ruling.broken.append(f"twice: two chats at once of {line.customer_number}")

    def _weigh_opt_outs(self, heard: Iterable[Heard], ruling: Ruling) -> None:
        """Nobody is texted a minute after the opt-out was known, but for its confirmation."""
        for one in heard:
            conversation = self._conversations[one.line]
            known_at = self._stop_done_at(conversation)
            if one.way is not Way.TO_CUSTOMER or known_at is None:
                continue
            at_s = (_moment(one.at) - START).total_seconds()
            if at_s > known_at + 60 and one.body != f"{OWN_MARK}opt_out_confirmed":
                ruling.broken.append(f"texted after STOP: {one.body[:40]}")

    def _stop_done_at(self, conversation: Conversation) -> float | None:
        if conversation.stop_event_id is None:
            return None
        return self._witness.passages[entry_id("text", conversation.stop_event_id)].done_at

    # --- the ledger -------------------------------------------------------------------------------

    def _chats(self) -> list[tuple[Line, str]]:
        """Every contact that was ever opened, in order, with whose it is."""
        found: dict[str, Line] = {}
        for entry in self._entries:
            if entry["kind"] == "request" and entry["name"] == "StartChatContact":
                attributes = entry["params"]["Attributes"]
                line = Line(attributes["sb_our_number"], attributes["sb_customer_number"])
                found.setdefault(entry["result"]["ContactId"], line)
        return [(line, contact) for contact, line in found.items()]

    def _started_at(self) -> Mapping[str, datetime]:
        return {
            entry["result"]["ContactId"]: _moment(entry["at"])
            for entry in reversed(self._entries)
            if entry["kind"] == "request" and entry["name"] == "StartChatContact"
        }

    def _ends(self) -> Mapping[str, datetime]:
        return {
            entry["params"]["initial_contact_id"]: _moment(entry["params"]["at"])
            for entry in self._entries
            if entry["name"] == "chat_item" and entry["params"]["content_type"] == CHAT_ENDED
        }

    def _utterance(self, finding: Finding) -> Utterance:
        assert finding.said is not None  # noqa: S101 - every fault but "unexpected" has one
        return self._utterances[finding.said.body]

    def _passage(self, utterance: Utterance) -> Passage:
        return self._witness.passages[_entry(utterance)]


def _entry(utterance: Utterance) -> str:
    source = "text" if utterance.said.way is Way.TO_AGENT else "chat"
    return entry_id(source, utterance.event_id)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(finding: Finding) -> str:
    body = finding.said.body if finding.said else finding.heard.body if finding.heard else ""
    after = f" before {finding.overtaken.body[:12]}" if finding.overtaken else ""
    return f"{finding.fault.value}: {body[:40]}{after}"
