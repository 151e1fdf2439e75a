"""Programs and their end, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local.process import Program, StartError, free_ports
from infra.local.readiness import addresses_listened_on, refuse_open_listener, wait_until_up
from infra.local.toolroom import ROOT

PATIENCE_S = 10.0


def program(code: str, log: Path) -> Program:
    return Program("probe", [sys.executable, "-c", code], env=dict(os.environ), log=log)


def wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while text not in log.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: TID251 - a real process, in real time


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: TID251 - a real process, in real time


def test_stop_lets_a_program_end_in_its_own_way(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('up', flush=True); time.sleep(60)"
    )
    probe = program(code, tmp_path / "log")
    wait_for("up", probe.log)
    assert probe.stop(PATIENCE_S) == 7


def test_stop_kills_a_program_that_will_not_end(tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True); time.sleep(60)"
    )
    probe = program(code, tmp_path / "log")
    wait_for("up", probe.log)
    assert probe.stop(0.05) == -signal.SIGKILL


def test_kill_takes_what_the_program_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, 'up', flush=True); time.sleep(60)"
    )
    probe = program(code, tmp_path / "log")
    wait_for("up", probe.log)
    child = int(probe.log.read_text("utf-8").split()[0])
    probe.kill()
    wait_until_gone(child)


def test_programs_die_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from infra.local.process import Program\n"
        "probe = Program('p', [sys.executable, '-c', 'import time; time.sleep(60)'],\n"
        "    env={}, log=Path(sys.argv[1]))\n"
        "print(probe.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    started = int(parent.stdout.readline())
    assert is_alive(started)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(started)


def test_log_of_a_restarted_program_follows_the_one_before(tmp_path: Path) -> None:
    log = tmp_path / "deeper" / "log"
    for word in ("first", "second"):
        probe = program(f"print('{word}')", log)
        probe.wait(PATIENCE_S)
        probe.kill()  # It has ended: for the guardian to forget it.
    assert log.read_text("utf-8").split() == ["first", "second"]


def test_program_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    probe = program("raise SystemExit('no such config')", tmp_path / "log")
    with pytest.raises(StartError, match=r"(?s)probe ended with 1.*no such config"):
        wait_until_up(probe, lambda: False)
    probe.kill()


def test_program_that_never_answers_is_given_up(tmp_path: Path) -> None:
    probe = program("import time; time.sleep(60)", tmp_path / "log")
    try:
        with pytest.raises(StartError, match="is not up after"):
            wait_until_up(probe, lambda: False, timeout_s=0.1)
    finally:
        probe.kill()


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


@pytest.mark.parametrize(
    ("address", "is_open"),
    [("127.0.0.1", False), ("0.0.0.0", True)],  # noqa: S104 - what is to be refused
    ids=["loopback", "all"],
)
def test_listener_on_every_interface_is_refused(
    address: str, is_open: bool, tmp_path: Path
) -> None:
    probe = program("import time; time.sleep(60)", tmp_path / "log")
    try:
        with socket.create_server((address, 0)) as listener:
            port = listener.getsockname()[1]
            assert addresses_listened_on(port)
            if is_open:
                with pytest.raises(StartError, match="listens on 00000000"):
                    refuse_open_listener(probe, port)
            else:
                refuse_open_listener(probe, port)
    finally:
        probe.kill()
