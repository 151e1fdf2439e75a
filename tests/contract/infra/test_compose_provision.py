"""The one-shot provisioning of docker-compose.localstack.yml, run as it stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.local.endpoints import LocalAws
from infra.local.toolroom import ROOT

pytestmark = pytest.mark.emulator


def test_it_writes_the_wiring_and_the_contact_centre(tmp_path: Path, aws: LocalAws) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.localstack.yml").read_text("utf-8"))
    shell, flags, script = compose["services"]["provision"]["command"]
    # What Compose and the container would do: unescape, and be where the volumes are.
    script = script.replace("$$", "$").replace("/state/", f"{tmp_path}/")
    folders = (str(Path(sys.executable).parent), os.defpath)
    environment = {**aws.environment(), "PATH": os.pathsep.join(folders)}
    subprocess.run([shell, flags, script], cwd=ROOT, env=environment, check=True)
    wiring = (tmp_path / "worker.env").read_text("utf-8")
    assert "export SWITCHBOARD_QUEUE_URLS=" in wiring
    assert isinstance(json.loads((tmp_path / "contact-centre.json").read_text("utf-8")), dict)
