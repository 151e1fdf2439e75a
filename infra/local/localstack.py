"""LocalStack 4.13.1 as a Python program, for SQS, SNS, EventBridge and S3.

The same tests run on it as on the embedded emulator, so that neither one's leniency passes for
AWS's behaviour. DynamoDB, Scheduler and KMS come from MiniStack beside it: this release's
DynamoDB cannot start on Python 3.11 (nor without a Java download), its schedules never fire.

It is the set of packages of its release day, on the Python that release was seen to work with:
3.11. On 3.12 every service of the later 4.14.0 fails, and this one has not been seen there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.process import LOOPBACK, Program, free_ports
from infra.local.readiness import answers, refuse_open_listener, wait_until_up
from infra.local.toolroom import ROOT, ensure_venv

REQUIREMENTS = ROOT / "requirements" / "localstack.txt"
SERVICES = ("sqs", "sns", "events", "s3")
BESIDE_IT = ("DYNAMODB", "SCHEDULER", "KMS")
START_TIMEOUT_S = 60.0
STOP_GRACE_S = 5.0


class UnsupportedPythonError(Exception):
    """LocalStack cannot run on this interpreter; its message says what that leaves out."""


def require_supported_python() -> None:
    """Check that this interpreter is one that LocalStack 4.13.1 was seen to run on.

    Raises:
        UnsupportedPythonError: it is not 3.11.
    """
    if sys.version_info[:2] != (3, 11):
        raise UnsupportedPythonError(
            "LocalStack 4.13.1 runs here on Python 3.11 only, and this is "
            f"{sys.version_info.major}.{sys.version_info.minor}: the end-to-end tests ran on the "
            "embedded emulator alone; docker-compose.localstack.yml has LocalStack where "
            "there is Docker"
        )


def install_localstack() -> Path:
    """The folder of LocalStack's programs, installed first if need be (500 MB, a minute). Blocks.

    Raises:
        UnsupportedPythonError: not on Python 3.11.
        InstallError: it could not be installed.
    """
    require_supported_python()
    return ensure_venv("localstack", REQUIREMENTS)


@contextmanager
def running_localstack(log_dir: Path) -> Iterator[LocalAws]:
    """Start LocalStack, and MiniStack for what it lacks; stop both at the end. Blocks.

    Raises:
        UnsupportedPythonError: not on Python 3.11.
        StartError: one did not answer in time, or listens on more than the loopback.
        InstallError: one could not be installed.
    """
    python = install_localstack() / "python"
    (port,) = free_ports(1)
    with ExitStack() as stack:
        beside = stack.enter_context(running_emulator(log_dir / "ministack.log"))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-localstack-"))
        command = [str(python), "-m", "localstack.runtime.main"]
        env = _env(port, scratch, python.parent)
        program = Program("localstack", command, env=env, log=log_dir / "localstack.log")
        stack.callback(program.stop, STOP_GRACE_S)
        url = f"http://{LOOPBACK}:{port}"
        wait_until_up(program, lambda: answers(f"{url}/_localstack/health"), START_TIMEOUT_S)
        refuse_open_listener(program, port)
        yield LocalAws(endpoint_url=url, overrides=dict.fromkeys(BESIDE_IT, beside.endpoint_url))


def _env(port: int, scratch: str, bin_dir: Path) -> dict[str, str]:
    return {
        "PATH": f"{bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": scratch,
        "SERVICES": ",".join(SERVICES),
        "STRICT_SERVICE_LOADING": "1",
        "ACTIVATE_PRO": "0",
        "GATEWAY_LISTEN": f"{LOOPBACK}:{port}",
        # Its default server, twisted, takes the port and ignores the address: it would listen on
        # every interface (localstack/runtime/server/twisted.py).
        "GATEWAY_SERVER": "hypercorn",
        "LOCALSTACK_HOST": f"{LOOPBACK}:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "LOCALSTACK_VOLUME_DIR": f"{scratch}/volume",
        "LS_LOG": "warning",
        "PYTHONUNBUFFERED": "1",
    }
