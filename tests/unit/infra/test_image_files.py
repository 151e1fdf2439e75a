"""What the image is made from agrees with the code, where no image can be built."""

from __future__ import annotations

import re
from pathlib import Path

import botocore
import pytest

from infra.image.trim import UNREAD, main
from infra.local.toolroom import ROOT

KEPT = set((ROOT / "infra" / "image" / "aws-services.txt").read_text("utf-8").split())
CREDENTIALS = {"sso", "sso-oidc", "sts"}
"""What the SDK itself calls to become somebody."""


def called() -> set[str]:
    """The services that the code makes clients of, or that the simulator plays."""
    ours = [*_sources("workers"), *_sources("simulator")]
    named = re.compile(r'(?:client\(\s*|\b(?:SERVICE|NAME)\b[^=\n]*= )"([a-z0-9-]+)"')
    names = {name for source in ours for name in named.findall(source)}
    models = {folder.name for folder in _data().iterdir() if folder.is_dir()}
    return names & models


def test_the_image_keeps_the_services_that_are_called_and_no_others() -> None:
    assert called() | CREDENTIALS == KEPT, "put them into infra/image/aws-services.txt"


def test_trimming_fails_where_something_is_not_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "botocore" / "data" / "sqs").mkdir(parents=True)
    services = tmp_path / "services.txt"
    services.write_text("sqs\nsns\n")
    with pytest.raises(SystemExit, match="no service sns"):
        main(tmp_path, services)


def test_trimming_leaves_what_is_named(tmp_path: Path) -> None:
    for name in ("sqs", "ec2"):
        (tmp_path / "botocore" / "data" / name).mkdir(parents=True)
    for name in UNREAD:
        (tmp_path / name).mkdir(parents=True)
    services = tmp_path / "services.txt"
    services.write_text("sqs\n")
    main(tmp_path, services)
    assert [one.name for one in (tmp_path / "botocore" / "data").iterdir()] == ["sqs"]
    assert not any((tmp_path / name).exists() for name in UNREAD)


def _sources(package: str) -> list[str]:
    return [file.read_text("utf-8") for file in (ROOT / package).rglob("*.py")]


def _data() -> Path:
    return Path(botocore.__file__).parent / "data"
