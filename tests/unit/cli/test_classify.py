"""`switchboard classify`, as somebody with a file or a pipe meets it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import events
from workers.cli.classify import classify

SMS = events.load("sms/inbound_sns")
BOUNCE = events.load("ses/bounce_eventbridge")
RECORD = events.load("pinpoint/sms_failure")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
CONVERT = "only JSON in UTF-8 is read, as it is or in gzip; convert it first"
KEYS = ["class", "type", "envelope", "id", "key", "time"]


def run(*arguments: str, stdin: bytes | str = b"") -> Result:
    return CliRunner().invoke(classify, arguments, input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_document_is_told_in_one_line_of_json() -> None:
    result = run("--json", "-", stdin=json.dumps(SMS, indent=2))
    assert result.exit_code == 0
    assert lines(result) == [
        {
            "class": "inbound_sms",
            "type": "SMS",
            "envelope": ["sns"],
            "id": "cae173d2-66b9-564c-8309-21f858e90001",
            "key": "+12065550100",
            "time": "2026-11-20T13:28:24.860Z",
        }
    ]
    assert list(lines(result)[0]) == KEYS


def test_an_event_about_several_people_has_a_line_for_each() -> None:
    told = lines(run("--json", stdin=json.dumps(BOUNCE)))
    assert [line["key"] for line in told] == ["pat@example.com", "sam@example.com"]
    assert {line["id"] for line in told} == {"0100019-aaaa-000000"}
    assert {line["time"] for line in told} == {"2026-11-20T15:00:01Z"}


def test_every_event_there_is_gets_its_lines() -> None:
    for name in events.names():
        result = run("--json", stdin=json.dumps(events.load(name)))
        told = lines(result)
        unknown = [line for line in told if line["class"] == "unknown"]
        assert all(list(line) == ["class", "reason"] for line in unknown)
        assert all(list(line) == KEYS for line in told if line not in unknown)
        assert result.exit_code == (1 if unknown else 0), name


@pytest.mark.parametrize("between", ["", "\n"], ids=["concatenated", "lines"])
@pytest.mark.parametrize("is_compressed", [True, False], ids=["gzip", "plain"])
def test_a_firehose_object_is_told_record_by_record(
    tmp_path: Path, between: str, is_compressed: bool
) -> None:
    content = between.join([json.dumps(RECORD), json.dumps(BOUNCE), json.dumps(RECORD)]).encode()
    file = tmp_path / "2026-11-20-stream-without-a-suffix"
    file.write_bytes(gzip.compress(content) if is_compressed else content)
    result = run("--json", str(file))
    assert result.exit_code == 0
    assert [line["class"] for line in lines(result)] == [
        "pinpoint_event",
        "ses_event",
        "ses_event",
        "pinpoint_event",
    ]


def test_a_list_of_records_has_a_line_for_each() -> None:
    result = run("--json", stdin=json.dumps([SMS, {"nothing": 1}, RECORD]))
    assert [line["class"] for line in lines(result)] == ["inbound_sms", "unknown", "pinpoint_event"]
    assert result.exit_code == 1


def test_an_empty_list_is_told_in_no_line() -> None:
    result = run("--json", stdin="[]")
    assert (result.exit_code, result.stdout) == (0, "")


def test_one_broken_line_among_others_is_unknown() -> None:
    content = json.dumps(SMS) + '\n{"oops": \n' + json.dumps(RECORD)
    result = run("--json", stdin=content)
    assert result.exit_code == 1
    assert lines(result)[1] == {"class": "unknown", "reason": "not_json"}
    assert len(lines(result)) == 3


def test_a_malformed_event_tells_the_place() -> None:
    document = {key: value for key, value in RECORD.items() if key != "event_type"}
    result = run("--json", stdin=json.dumps(document))
    reason = "pinpoint_event_field_missing at event_type"
    assert lines(result) == [{"class": "unknown", "reason": reason}]
    assert result.exit_code == 1


def test_set_up_chatter_is_told_by_its_source() -> None:
    for name, word in (
        ("ses/setup_text", "setup"),
        ("ses/setup_identity", "AmazonSnsSubscriptionSucceeded"),
    ):
        (line,) = lines(run("--json", stdin=json.dumps(events.load(name))))
        assert (line["class"], line["type"], line["key"]) == ("ses_event", word, None)
    result = run("--json", stdin=json.dumps(events.load("sns/subscription_confirmation")))
    assert lines(result) == [{"class": "unknown", "reason": "sns_subscription_confirmation"}]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"hello\nthere", "holds no JSON"),
        (b'{"a": ', "holds no JSON"),
        (b"\xff\x80\x81", "holds no JSON"),
        (b"PAR1....", f"format_parquet: {CONVERT}"),
        (b"\xff\x06\x00\x00sNaPpY", f"format_snappy: {CONVERT}"),
        (gzip.compress(json.dumps(SMS).encode())[:-4], "broken_gzip"),
    ],
    ids=range(7),
)
def test_unreadable_input_ends_with_two(content: bytes, why: str) -> None:
    result = run("--json", "-", stdin=content)
    assert result.exit_code == 2
    assert result.stderr == f"switchboard classify: -: {why}\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 500 + "]" * 500, "nested_too_deep"),
        ('{"a": "\\ud800"}', "lone_surrogate"),
        ("{event_type: _email.send}", "quotes_stripped_by_pipe_template"),
    ],
)
def test_a_bomb_is_read_and_unknown(content: str, reason: str) -> None:
    result = run("--json", stdin=content)
    assert (result.exit_code, lines(result)) == (1, [{"class": "unknown", "reason": reason}])


def test_a_missing_file_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(SMS))
    result = run("--json", str(tmp_path / "none.json"), str(tmp_path), str(file))
    assert result.exit_code == 2
    assert [line["class"] for line in lines(result)] == ["inbound_sms"]
    assert "none.json: No such file" in result.stderr
    assert "Is a directory" in result.stderr


def test_people_get_a_table() -> None:
    chat = {"nothing": 1}
    result = run(stdin=json.dumps([SMS, BOUNCE, events.load("connect/flow_request"), chat]))
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["CLASS", "TYPE", "TIME", "KEY", "ENVELOPE", "ID"]
    assert rows[0].index("+12065550100") == rows[1].index("pat@example.com") == header.index("KEY")
    assert rows[3].split()[2] == "-"
    assert rows[4] == "unknown                  unrecognised_shape"


def test_a_payload_cannot_steer_the_terminal() -> None:
    document = {**RECORD, "event_type": "nice\x1b[2Jname"}
    assert "\x1b" not in run(stdin=json.dumps(document)).stdout


def test_an_archive_is_not_read_into_memory(tmp_path: Path) -> None:
    line = json.dumps(RECORD).encode() + b"\n"
    file = tmp_path / "archive.gz"
    with gzip.open(file, "wb", compresslevel=1) as out:
        for _ in range(25):
            out.write(line * 1000)
    script = (
        "import atexit, resource, sys\n"
        "from workers.cli.classify import classify\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "atexit.register(lambda: print(peak() - before, file=sys.stderr))\n"
        "classify()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, "--json", str(file)],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
    )
    assert ended.stdout.count(b"\n") == 25_000
    assert int(ended.stderr) * 1024 < len(line) * 25_000 / 3


def test_a_reader_that_leaves_early_is_no_error_of_ours() -> None:
    script = "from workers.cli.classify import classify; classify()"
    content = (json.dumps(RECORD) + "\n").encode() * 20_000
    with subprocess.Popen(
        [sys.executable, "-c", script, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(content)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert b"Traceback" not in process.stderr.read()
