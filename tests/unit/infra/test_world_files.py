"""What the world reads from its programs' logs, and the key it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.world import announced_url, drain_receipt, write_key


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("", None, id="nothing_yet"),
        pytest.param('{"url": "http://127.0.0.1:1', None, id="half_a_line"),
        pytest.param('{"url": "http://127.0.0.1:12"}\n', "http://127.0.0.1:12", id="address"),
        pytest.param('warning\n{"url": "http://a"}\nmore\n', "http://a", id="among_other_lines"),
    ],
)
def test_address_is_taken_from_a_whole_line_only(
    text: str, url: str | None, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text(text, "utf-8")
    assert announced_url(log) == url


def test_receipt_is_the_last_drain_of_a_restarted_worker(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"event": "drained", "done": 1}\n'
        '{"event": "drained", "done": 2}\n'
        '{"event": "stopped", "after": "drained"}\n'
        '{"event": "drained", "done": ',
        "utf-8",
    )
    assert drain_receipt(log) == {"event": "drained", "done": 2}


def test_killed_worker_leaves_no_receipt(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"event": "http_listening"}\n', "utf-8")
    assert drain_receipt(log) is None


def test_key_is_private_and_stays(tmp_path: Path) -> None:
    key = tmp_path / "key"
    write_key(key)
    first = key.read_bytes()
    write_key(key)
    assert len(first) == 32
    assert key.read_bytes() == first
    assert key.stat().st_mode & 0o777 == 0o600
