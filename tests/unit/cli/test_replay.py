"""`switchboard replay` where no AWS is asked: plans, resuming, what is shown."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.topology import load_topology
from schemas.archive import Parsed, Text
from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded
from schemas.event_class import EventClass
from tests import events
from workers.cli.replay.command import default_state, identity, replay
from workers.cli.replay.plan import Left, Planned, Planner, Skipped
from workers.cli.replay.progress import OtherReplayError, Place, Progress
from workers.cli.replay.sending import Pace, Record, Replay, Tally, ToQueues
from workers.cli.replay.source import ArchiveFile, LocalSource
from workers.errors import TransientError
from workers.runtime.memory import MemoryQueue
from workers.runtime.sqs import Outgoing, Refused
from workers.testing import FakeClock

NOW = datetime(2026, 11, 26, tzinfo=UTC)
TOPOLOGY = load_topology()
RECORD = events.load("pinpoint/sms_failure")
SMS = events.load("sms/inbound_sns")
UNKNOWN = events.load("unknown/s3_object_created")
QUEUES = {
    EventClass.INBOUND_SMS: "inbound-sms",
    EventClass.EUM_EVENT: "delivery-receipts",
    EventClass.SES_EVENT: "engagement-events",
    EventClass.PINPOINT_EVENT: "engagement-events",
    EventClass.PINPOINT_CUSTOM_CHANNEL: "reminders",
    EventClass.CONNECT_CONTACT_EVENT: "contact-events",
    EventClass.CONNECT_CONTACT_RECORD: "contact-events",
    EventClass.CONNECT_CHAT_MESSAGE: "chat-stream",
}


def planner(*only: EventClass, even_old: bool = False, now: datetime = NOW) -> Planner:
    return Planner.over(TOPOLOGY, frozenset(only), now, even_old=even_old)


def numbered(number: int) -> dict[str, Any]:
    return {**RECORD, "attributes": {**RECORD["attributes"], "message_id": f"m-{number}"}}


class Notes:
    """A witness that remembers."""

    def __init__(self) -> None:
        self.left_out: list[tuple[str, int, str]] = []

    def planned(self, record: Record) -> None:
        pass

    def left(self, file: str, number: int, reason: str) -> None:
        self.left_out.append((file, number, reason))

    def moved(self, tally: Tally, file: str) -> None:
        pass


class Taking:
    """A dispatch that is cut off when it has taken `pages`."""

    def __init__(self, pages: int = 1_000) -> None:
        self.pages = pages
        self.bodies: list[str] = []

    async def __call__(self, page: Sequence[Record]) -> list[tuple[Record, str]]:
        if not self.pages:
            raise TransientError("sqs_unreachable")
        self.pages -= 1
        self.bodies += [record.planned.body for record in page]
        return []

    @property
    def messages(self) -> list[str]:
        return [json.loads(body)["attributes"]["message_id"] for body in self.bodies]


# --- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", events.names())
def test_what_is_recognised_goes_where_its_handler_is_and_decodes_as_it_was(name: str) -> None:
    document = events.load(name)
    wanted = [result for result in decode_document(document) if isinstance(result, Decoded)]
    sent: list[Decoded] = []
    for planned in planner(even_old=True).plan(Parsed(document)):
        if not isinstance(planned, Planned):
            assert not wanted or wanted[0].event_class is EventClass.CONTACT_FLOW_REQUEST
            return
        assert planned.body.isascii()
        for result in decode_body(planned.body):
            assert isinstance(result, Decoded)
            sent.append(result)
            if result.event_class is not EventClass.COMMAND:
                assert planned.queue == QUEUES[result.event_class]
    assert [(one.event, one.event_id, one.keys, one.time) for one in sent] == [
        (one.event, one.event_id, one.keys, one.time) for one in wanted
    ]


def test_every_queue_comes_from_the_topology() -> None:
    renamed = Planner({"engagement_events": "elsewhere"}, frozenset(), None)
    [planned] = renamed.plan(Parsed(RECORD))
    assert isinstance(planned, Planned)
    assert planned.queue == "elsewhere"
    assert list(renamed.plan(Parsed(SMS))) == [Left("no_queue_takes_it")]


def test_commands_of_conversations_ticks_and_reminders_part() -> None:
    def queue(document: object) -> str:
        [planned] = planner().plan(Parsed(document))
        assert isinstance(planned, Planned)
        return planned.queue

    assert queue(events.load("own/chat_watch")) == "chat-commands"
    assert queue(events.load("own/opt_out_sync")) == "timers"
    watch = {"switchboard": "reminder_watch", "version": 1, "rid": "r" * 26}
    assert queue(watch) == "reminders"


def test_only_the_queues_that_something_could_go_to_must_be_wired() -> None:
    assert planner(EventClass.SES_EVENT).targets == {"engagement-events"}
    assert planner(EventClass.COMMAND).targets == {"chat-commands", "reminders", "timers"}
    assert planner().targets == {queue.name for queue in TOPOLOGY.queues}


def test_a_broken_record_of_a_list_leaves_the_others_alone() -> None:
    kinesis = {"Records": [{"Data": {"nonsense": 1}, "PartitionKey": "p"}, RECORD, SMS]}
    plans = list(planner().plan(Parsed(kinesis)))
    assert [type(plan) for plan in plans] == [Left, Planned, Planned]
    assert [plan.queue for plan in plans if isinstance(plan, Planned)] == [
        "engagement-events",
        "inbound-sms",
    ]


def test_a_text_that_its_conversation_has_forgotten_is_left() -> None:
    later = NOW + timedelta(days=14)
    assert list(planner(now=later).plan(Parsed(SMS))) == [Left("text_too_old_to_repeat")]
    bare = events.load("sms/inbound_raw")
    assert list(planner().plan(Parsed(bare))) == [Left("text_without_a_time")]
    for document in (SMS, bare):
        [planned] = planner(now=later, even_old=True).plan(Parsed(document))
        assert isinstance(planned, Planned)
    [record] = planner(now=later).plan(Parsed(RECORD))
    assert isinstance(record, Planned)


def test_a_class_that_was_not_asked_for_and_chatter_are_no_complaint() -> None:
    assert list(planner(EventClass.SES_EVENT).plan(Parsed(RECORD))) == [
        Skipped("class_not_asked_for")
    ]
    [chatter] = planner().plan(Parsed(events.load("ses/setup_identity")))
    assert chatter == Skipped("set_up_notice")
    [nonsense] = planner().plan(Text("not a record"))
    assert nonsense == Left("not_json")


def test_what_sqs_would_not_take_is_left() -> None:
    huge = RECORD | {"metrics": {}, "facets": {"f": "x" * 1_048_576}}
    assert list(planner().plan(Parsed(huge))) == [Left("larger_than_sqs_takes")]


# --- going on ------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    first = [json.dumps(numbered(n)) for n in range(25)]
    first.insert(3, json.dumps(UNKNOWN))
    (folder / "1").write_text("\n".join(first))
    (folder / "2").write_text("".join(json.dumps(numbered(n)) for n in range(25, 30)))
    return folder


async def run(archive: Path, state: Path, dispatch: Taking) -> tuple[Tally, Notes]:
    notes = Notes()
    progress = Progress.at(state, str(archive), {"queues": {}})
    work = Replay(planner(), progress, dispatch, notes)
    try:
        await work.run(LocalSource(archive))
    except TransientError:
        pass
    finally:
        progress.close()
    return work.tally, notes


@pytest.mark.parametrize("pages", range(4))
async def test_a_replay_that_was_cut_off_goes_on_where_it_was(
    archive: Path, tmp_path: Path, pages: int
) -> None:
    state, cut, rest = tmp_path / "state", Taking(pages), Taking()
    await run(archive, state, cut)
    tally, _ = await run(archive, state, rest)
    assert cut.messages + rest.messages == [f"m-{n}" for n in range(30)]
    assert not tally.is_whole  # What was left out before counts.
    again = Taking()
    tally, notes = await run(archive, state, again)
    assert (again.bodies, notes.left_out, tally.left_before) == ([], [], 1)
    assert tally.records_before == 31


async def test_what_is_unknown_is_told_with_its_place(archive: Path, tmp_path: Path) -> None:
    tally, notes = await run(archive, tmp_path / "state", Taking())
    assert notes.left_out == [("1", 4, "unrecognised_shape")]
    assert (tally.files, tally.records) == (2, 31)
    assert tally.accepted == {"engagement-events": 30}


async def test_a_file_that_breaks_off_gives_what_stood_before(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    lines = "\n".join(json.dumps(numbered(n)) for n in range(2_000)).encode()
    (folder / "1.gz").write_bytes(gzip.compress(lines, 0)[:400_000])
    (folder / "2").write_text(json.dumps(numbered(7_000)))
    taking = Taking()
    tally, notes = await run(folder, tmp_path / "state", taking)
    assert taking.messages[:2] == ["m-0", "m-1"]
    assert taking.messages[-1] == "m-7000"
    assert tally.left == {"broken_gzip": 1}
    assert notes.left_out == [("1.gz", len(taking.messages), "broken_gzip")]


@contextmanager
def progress_at(state: Path, source: str = "archive", queues: str = "some") -> Iterator[Progress]:
    progress = Progress.at(state, source, {"queues": queues})
    try:
        yield progress
    finally:
        progress.close()


def test_a_line_that_broke_off_is_none(tmp_path: Path) -> None:
    state, file = tmp_path / "state", ArchiveFile("a", "1")
    with progress_at(state) as progress:
        progress.note(file, Place(10, 1))
    with state.open("a") as stream:
        stream.write('{"file": "a", "ma')
    with progress_at(state) as progress:
        assert progress.of(file) == Place(10, 1)
        progress.note(file, Place(20, 1, is_done=True))
    with progress_at(state) as progress:
        assert progress.of(file) == Place(20, 1, is_done=True)
        assert progress.of(ArchiveFile("a", "2")) == Place()  # Its content has changed.


@pytest.mark.parametrize("text", ["", "of somebody's", "of somebody's\n", "1\n", '{"a": 1}\n{"b'])
def test_another_replays_state_and_what_is_none_stay_as_they_are(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state"
    if text:
        state.write_text(text)
    else:
        with progress_at(state):
            text = state.read_text()
    for source, queues in (("other", "some"), ("archive", "others")):
        with pytest.raises(OtherReplayError), progress_at(state, source, queues):
            pass
    assert state.read_text() == text


def test_an_archive_has_one_state_however_it_is_written(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(archive.parent)
    for path in (str(archive), "archive", "./archive/", "archive/../archive"):
        assert identity(path) == str(archive)
        assert default_state(path) == archive.parent / "archive.replay-state"
    monkeypatch.chdir(archive)
    assert default_state(".") == archive.parent / "archive.replay-state"
    assert default_state("s3://a/b").name == default_state("s3://a/b").as_posix()
    assert default_state("s3://a/b") != default_state("s3://a/c")


# --- sending -------------------------------------------------------------------------------------


class Weather(MemoryQueue):
    """A queue whose first sends go wrong: an error, or entries that it refuses."""

    def __init__(
        self, name: str, clock: FakeClock, trouble: list[Refused | TransientError]
    ) -> None:
        super().__init__(name, clock)
        self.trouble = trouble

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        one = self.trouble.pop(0) if self.trouble else None
        if isinstance(one, TransientError):
            raise one
        if one is None:
            return await super().send(messages)
        await super().send([m for index, m in enumerate(messages) if index != one.index])
        return [one]


def page(count: int) -> list[Record]:
    planned = [Planned("work", f"body {n}", ()) for n in range(count)]
    return [Record("file", number, one) for number, one in enumerate(planned, 1)]


async def test_what_sqs_did_not_take_goes_again_and_what_it_never_will_is_told() -> None:
    clock = FakeClock()
    trouble: list[Refused | TransientError] = [
        TransientError("sqs_unreachable"),
        Refused(1, "InternalError", is_sender_fault=False),
        Refused(0, "InvalidContents", is_sender_fault=True),
    ]
    queue = Weather("work", clock, trouble)
    send = ToQueues({"work": queue}, Pace(1_000, clock), clock)
    [(record, code)] = await send(page(3))
    assert (record.number, code) == (2, "InvalidContents")
    assert sorted(one.body for one in queue.messages) == ["body 0", "body 2"]


async def test_an_outage_ends_the_run() -> None:
    clock = FakeClock()
    queue = Weather("work", clock, [TransientError("sqs_unreachable")] * 6)
    with pytest.raises(TransientError, match="sqs_unreachable"):
        await ToQueues({"work": queue}, Pace(1_000, clock), clock)(page(1))


async def test_the_rate_holds() -> None:
    clock = FakeClock()
    send = ToQueues({"work": MemoryQueue("work", clock)}, Pace(20, clock), clock)
    for _ in range(11):
        await send(page(10))
    assert clock.monotonic() == pytest.approx(5.0)


# --- the command ---------------------------------------------------------------------------------


def shown(*arguments: object) -> Result:
    return CliRunner().invoke(replay, [str(argument) for argument in arguments])


def test_a_dry_run_counts_and_writes_nothing(archive: Path) -> None:
    result = shown(archive, "--dry-run", "--json")
    assert result.exit_code == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"file": "1", "record": 4, "left_out": "unrecognised_shape"},
        {
            "dry_run": True,
            "files": 2,
            "records": 31,
            "sent": {"engagement-events": 30},
            "by_class": {"pinpoint_event": 30},
            "left_out": {"unrecognised_shape": 1},
            "not_needed": {},
            "records_before": 0,
            "left_out_before": 0,
        },
    ]
    assert [path.name for path in archive.parent.iterdir()] == ["archive"]


def test_a_shadow_tells_what_would_follow(tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_text(json.dumps(RECORD) + "\n" + json.dumps(SMS))
    result = shown(file, "--shadow", "--json", "--even-old")
    assert result.exit_code == 0
    failure, text, _ = [json.loads(line) for line in result.stdout.splitlines()]
    assert failure == {
        "file": "records",
        "record": 1,
        "class": "pinpoint_event",
        "type": "_SMS.FAILURE",
        "queue": "engagement-events",
        "keys": ["+1206•••0100"],
        "would": [
            "address sms +1206•••0100: unreachable",
            "profile by phone: sms sent",
            "profile by phone: campaign step",
        ],
    }
    assert text["would"] == [
        "profile by phone: sms replied",
        "conversations and calls: depends on what is stored",
    ]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nobodys_number_address_or_text_is_shown(tmp_path: Path, form: list[str]) -> None:
    file = tmp_path / "all"
    documents = [events.load(name) for name in events.names()]
    file.write_text("\n".join(map(json.dumps, documents)))
    result = shown(file, "--shadow", "--even-old", *form)
    told = result.stdout + result.stderr
    assert result.exit_code == 1
    assert len(told.splitlines()) > len(documents)
    for document in documents:
        for decoded in decode_document(document):
            if isinstance(decoded, Decoded):
                private = [key for key in decoded.keys if key.startswith("+") or "@" in key]
                assert not [key for key in private if key in told]
    assert "2065550100" not in told
    assert "pat@example.com" not in told


def test_what_is_wrong_is_said_before_anything_is_sent(archive: Path) -> None:
    assert "SWITCHBOARD_QUEUE_URLS: Field required" in shown(archive).output
    assert "no file or folder" in shown(archive / "none", "--dry-run").output
    assert "write s3://bucket/prefix" in shown("s3://", "--dry-run").output
    assert [result.exit_code for result in (shown(archive), shown("s3://"))] == [2, 2]
