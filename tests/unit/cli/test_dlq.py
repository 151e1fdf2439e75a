"""`switchboard dlq` where no AWS is asked: groups, trials, outlines, the copy's files."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import events
from workers.cli.dlq.command import dlq
from workers.cli.dlq.copy import Copy, Look, Step, UnreadableCopyError
from workers.cli.dlq.letters import Letter, UnknownNameError, chosen, grouped, of_message
from workers.cli.dlq.outline import outline
from workers.cli.dlq.trial import Fate, tried
from workers.cli.replay.shadow import Shadow
from workers.config import Configuration, load
from workers.runtime.dead_letters import compose
from workers.runtime.envelope import point_to, wrap
from workers.runtime.sqs import Attribute, Message
from workers.runtime.verdict import Fate as Outcome
from workers.runtime.verdict import Then, Verdict

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
EARLIER = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORIGINAL = {
    "traceparent": Attribute("String", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    "raw": Attribute("Binary", b"\x00\xff"),
}


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(Path(__file__).parents[2] / "e2e" / "brands.toml")


def message(body: str = "{}", attributes: dict[str, Attribute] | None = None) -> Message:
    return Message(
        message_id="6f2c1d00-0000-4000-8000-000000000001",
        receipt_handle="handle",
        body=body,
        attributes=ORIGINAL if attributes is None else attributes,
        receive_count=3,
        sent_at=NOW,
        first_received_at=EARLIER,
    )


def buried(body: str = "{}", reason: str = "bug", path: str = "") -> Message:
    """As a worker buries it, received from the DLQ."""
    verdict = Verdict(Outcome.DEAD_LETTERED, Then.BURY, reason, path=path)
    copy = compose(message(body), verdict, source_queue="inbound-sms", event_id="e1")
    return message(copy.outgoing.body, dict(copy.outgoing.attributes))


def letter(body: str, *, ours: bool = True) -> Letter:
    return of_message("inbound-sms", buried(body) if ours else message(body))


def test_a_workers_copy_gives_back_just_what_the_sender_had_sent() -> None:
    found = of_message("inbound-sms", buried("body", "undecodable_x", "messageBody"))
    assert found.originals == ORIGINAL
    assert (found.reason, found.path) == ("undecodable_x", "messageBody")
    assert (found.first_received_at, found.died_at) == (EARLIER, NOW)


def test_a_senders_own_attribute_of_our_name_is_not_taken_for_ours() -> None:
    found = of_message("inbound-sms", message("{}", {"reason": Attribute("String", "theirs")}))
    assert found.originals == {"reason": Attribute("String", "theirs")}
    assert found.reason == "unknown"


def test_what_a_schedule_could_not_deliver_says_so_and_goes_back_bare() -> None:
    attributes = {
        name: Attribute("String", value)
        for name, value in (("ERROR_CODE", "ACCESS_DENIED"), ("SCHEDULE_ARN", "arn:aws:x"))
    }
    found = of_message("reminders", message("{}", attributes))
    assert (found.reason, found.originals) == ("undelivered_access_denied", {})


def test_groups_are_by_queue_reason_and_path_and_named_alike_everywhere() -> None:
    found = [of_message(q, buried(reason=r)) for q in ("a", "b") for r in ("x", "y", "x")]
    assert [(g.queue, g.reason, len(g.letters)) for g in grouped(found)] == [
        ("a", "x", 2),
        ("a", "y", 1),
        ("b", "x", 2),
        ("b", "y", 1),
    ]
    assert len({group.mark for group in grouped(found)}) == 4
    assert grouped(found[:1])[0].mark == grouped(found)[0].mark


def test_a_letter_is_chosen_by_its_group_or_the_beginning_of_its_id() -> None:
    one = letter("1")
    assert chosen([one], [one.mark, "6f2c1d"]) == [one]
    for name in ("6f2c1", "g00000"):
        with pytest.raises(UnknownNameError):
            chosen([one], [name])
    other = of_message("inbound-sms", buried("2"))
    two = [one, replace(other, message_id=one.message_id[:-1] + "2")]
    with pytest.raises(UnknownNameError, match="beginning of 2 ids"):
        chosen(two, ["6f2c1d"])


@pytest.mark.parametrize(
    ("body", "fate", "why"),
    [
        pytest.param("{", Fate.DEAD_LETTERED, "undecodable_not_json", id="no_json"),
        pytest.param(json.dumps(events.load("connect/contact_new_type")), None, "", id="known"),
        pytest.param(
            json.dumps(events.load("sns/subscription_confirmation")),
            Fate.DISCARDED,
            "set_up_notice",
            id="notice",
        ),
        pytest.param(
            json.dumps(events.load("sms/inbound_sns")),
            Fate.DEAD_LETTERED,
            "unknown_our_number",
            id="nobodys_number",
        ),
        pytest.param(point_to("parcel-1"), Fate.STORED_APART, "", id="deferred_and_stored"),
        pytest.param(
            '{"switchboard_deferred":1,"x":1}',
            Fate.DEAD_LETTERED,
            "envelope_malformed",
            id="no_envelope",
        ),
    ],
)
def test_what_the_code_at_hand_would_make_of_it(
    body: str, fate: Fate | None, why: str, configuration: Configuration
) -> None:
    trial = tried(letter(body), Shadow(configuration, NOW))
    if fate is not None:
        assert trial.fate is fate
    assert trial.why.startswith(why)


def test_a_deferred_letter_is_tried_without_its_envelope(configuration: Configuration) -> None:
    receipt = json.dumps(events.load("eum/text_delivered_sns"))
    wrapped = wrap(message(receipt), NOW)
    shadow = Shadow(configuration, NOW)
    assert tried(letter(wrapped), shadow) == tried(letter(receipt), shadow)
    trial = tried(letter(receipt), shadow)
    assert trial.fate is Fate.HANDLED
    assert any("delivered" in line for line in trial.would)


def test_an_outline_has_the_shape_and_nobodys_words() -> None:
    inner = json.dumps({"text": "hello", "at": 12, "+12065550100": None})
    shown = outline(json.dumps({"Message": inner, "list": list(range(9)), "ok": True}))
    assert shown == {
        "Message": {"text": "<5 characters>", "at": "<number>", "***": None},
        "list": [*["<number>"] * 5, "... 4 more"],
        "ok": True,
    }
    assert outline("plain words") == "<11 characters>"
    assert outline("[" * 9_000) == "<9000 characters>"


def test_the_copy_is_only_its_owners_and_comes_back_as_it_was(tmp_path: Path) -> None:
    copy = Copy.of({"a": "http://a"}, tmp_path / "copies")
    assert copy.read() is None
    copy.path.parent.mkdir()
    copy.path.write_text("somebody's", "utf-8")
    copy.path.chmod(0o644)
    with pytest.raises(UnreadableCopyError):
        copy.read()
    look = Look(NOW, (letter("鳥"), letter("2", ours=False)), ("a",))
    copy.write(look)
    assert copy.read() == look
    copy.note("id-1", Step.SENDING)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in copy.path.parent.iterdir()}
    assert modes == {0o600}
    assert Copy.of({"a": "http://b"}, tmp_path / "copies").path != copy.path
    assert copy.forget() == 2
    assert list(copy.path.parent.iterdir()) == []


def test_a_journal_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "dlq.json")
    copy.note("a", Step.SENDING)
    copy.note("a", Step.SENT)
    copy.note("b", Step.SENDING)
    with copy.path.with_suffix(".journal").open("a") as journal:
        journal.write("b se")
    assert copy.steps() == {"a": Step.SENT, "b": Step.SENDING}
    copy.note("b", Step.GONE)
    assert copy.steps() == {"a": Step.SENT, "b": Step.GONE}


@pytest.mark.parametrize("command", ["", "ls", "show", "redrive", "drop", "forget"])
def test_help_teaches(command: str) -> None:
    result = CliRunner().invoke(dlq, [*command.split(), "--help"])
    assert result.exit_code == 0
    if not command:
        assert "Exit status: 0 done, 1 something was left" in " ".join(result.output.split())


def test_a_drop_needs_a_reason_without_anybodys_number() -> None:
    without = CliRunner().invoke(dlq, ["drop", "g123456"])
    assert without.exit_code == 2
    numbered = CliRunner().invoke(dlq, ["drop", "g123456", "--reason", "for +12065550100"])
    assert numbered.exit_code == 2
    assert "leave out numbers" in numbered.output
