from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infra.topology import load_topology
from workers.cli.config import config
from workers.cli.reference import REMINDER_FILE, reminder_text, schema_text

ROOT = Path(__file__).parents[3]
GOOD = """
[[brands]]
name = "Plumbing"
numbers = ["+12065550199"]
configuration_set = "conversations"
contact_flow_id = "flow-1"
"""
UNWISE = GOOD + 'opt_out_mode = "managed"\n'
WRONG = GOOD + "limits.idle_closes_s = 1\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "switchboard.toml"


def run(*arguments: str | Path, color: bool = False) -> Result:
    return CliRunner().invoke(config, [str(argument) for argument in arguments], color=color)


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (GOOD, [], 0),
        (GOOD, ["--strict"], 0),
        (UNWISE, [], 0),
        (UNWISE, ["--strict"], 1),
        (UNWISE, ["--strict", "--json"], 1),
        (WRONG, [], 1),
        (WRONG, ["--json"], 1),
        ("[[", [], 2),
        ("[[", ["--json"], 2),
        (None, [], 2),
        (None, ["--json"], 2),
    ],
)
def test_the_exit_status_tells(
    file: Path, text: str | None, options: list[str], status: int
) -> None:
    if text is not None:
        file.write_text(text)
    assert run("check", file, *options).exit_code == status


def test_a_problem_reads_well(file: Path) -> None:
    file.write_text(WRONG)
    assert run("check", file).output.splitlines() == [
        "error brands[0].limits.idle_closes_s (line 7)",
        "    Unknown key; did you mean idle_close_s?",
        "",
        f"{file}: 1 problem",
    ]


def test_a_warning_leaves_the_file_usable(file: Path) -> None:
    file.write_text(UNWISE)
    output = run("check", file).output
    assert output.startswith("warning brands[0].opt_out_mode (line 7)\n")
    assert output.endswith(f"{file}: usable, 1 brand, 1 warning\n")


def test_colours_are_for_terminals(file: Path) -> None:
    file.write_text(WRONG)
    assert "\x1b[" not in run("check", file).output
    assert "\x1b[31m" in run("check", file, color=True).output


def test_json_is_one_object(file: Path) -> None:
    file.write_text(WRONG)
    assert json.loads(run("check", file, "--json").output) == {
        "file": str(file),
        "ok": False,
        "problems": [
            {
                "key": "brands[0].limits.idle_closes_s",
                "line": 7,
                "says": "unknown key; did you mean idle_close_s?",
            }
        ],
        "warnings": [],
    }


def test_json_says_what_could_not_be_read(file: Path) -> None:
    answer = json.loads(run("check", file, "--json").output)
    assert answer["ok"] is False
    assert "No such file" in answer["unreadable"]


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ("[runtime.inbound_sms]\nslots = 1\n", "runtime.inbound_sms", "did you mean inbound-sms?"),
        ("[runtime.inbound-sms]\nslot = 1\n", "runtime.inbound-sms.slot", "did you mean slots?"),
        ("[runtime.inbound-sms]\nslots = 0\n", "runtime.inbound-sms.slots", "equal to 1, not 0"),
        ("[runtime.inbound-sms]\nslots = 1.5\n", "runtime.inbound-sms.slots", "not 1.5"),
    ],
)
def test_how_a_queue_is_consumed_is_checked_too(
    file: Path, table: str, key: str, says: str
) -> None:
    file.write_text(GOOD + table)
    (problem,) = json.loads(run("check", file, "--json").output)["problems"]
    assert problem["key"] == key
    assert says in problem["says"]


def test_a_worker_would_take_what_passes(file: Path) -> None:
    file.write_text(GOOD + "[runtime.inbound-sms]\nslots = 8\nbackoff_base_s = 1.5\n")
    assert run("check", file).exit_code == 0


def test_the_file_may_come_from_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(GOOD)
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    assert run("check").output == f"{file}: usable, 1 brand\n"


def test_show_fills_the_defaults_in(file: Path) -> None:
    file.write_text(GOOD)
    shown = json.loads(run("show", file).output)
    assert shown["hold_ms_in"] == 500
    assert shown["brands"][0]["limits"]["text_ttl_s"] == 900


def test_show_tells_how_every_queue_is_consumed(file: Path) -> None:
    file.write_text(GOOD + "[runtime.inbound-sms]\nslots = 8\n")
    shown = json.loads(run("show", file).output)["runtime"]
    assert set(shown) == {queue.name for queue in load_topology().queues}
    assert (shown["inbound-sms"]["slots"], shown["inbound-sms"]["attempts"]) == (8, 5)
    assert shown["chat-stream"]["slots"] == 64


def test_show_refuses_what_is_wrong(file: Path) -> None:
    file.write_text(WRONG)
    result = CliRunner().invoke(config, ["show", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "idle_closes_s" in result.stderr


def test_the_schema_goes_to_stdout() -> None:
    assert run("schema").output == schema_text()


def test_the_example_passes_the_strict_check() -> None:
    assert run("check", ROOT / "switchboard.example.toml", "--strict").exit_code == 0


def test_the_published_schema_of_a_reminder_is_fresh() -> None:
    published = (Path(__file__).parents[3] / REMINDER_FILE).read_text("utf-8")
    assert published == reminder_text(), "run python -m workers.cli.reference"
