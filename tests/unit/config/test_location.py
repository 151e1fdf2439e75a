from __future__ import annotations

from pathlib import Path

import pytest

from workers.config import ObjectVersion, locate


def test_a_path_is_a_file() -> None:
    assert locate("etc/switchboard.toml") == Path("etc/switchboard.toml")


def test_an_object_is_named_with_its_version_and_written_as_it_was() -> None:
    text = "s3://config/prod/switchboard.toml?versionId=3sL4kqtJlcpXroDTDmJ.rUv"
    at = locate(text)
    assert at == ObjectVersion("config", "prod/switchboard.toml", "3sL4kqtJlcpXroDTDmJ.rUv")
    assert str(at) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("s3://config/switchboard.toml", "needs its version", id="no_version"),
        pytest.param("s3://config/s.toml?versionId=", "needs its version", id="empty_version"),
        pytest.param("s3://config/s.toml?versionId=a&versionId=b", "needs its", id="two_versions"),
        pytest.param("s3://config/s.toml?versionId=a&x=b", "nothing else", id="something_else"),
        pytest.param("s3://config?versionId=a", "is not s3://BUCKET/KEY", id="no_key"),
        pytest.param("s3:///s.toml?versionId=a", "is not s3://BUCKET/KEY", id="no_bucket"),
    ],
)
def test_what_names_no_single_version_is_refused(text: str, says: str) -> None:
    """A restart would take what nobody has deployed."""
    with pytest.raises(ValueError, match=says):
        locate(text)
