"""Virtual environments are made once, and made anew when they must be; with a real pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.toolroom import InstallError, ensure_venv


def test_environment_is_made_once_for_the_same_requirements(tmp_path: Path) -> None:
    requirements = tmp_path / "tool.txt"
    requirements.write_text("# nothing\n", "utf-8")
    bin_dir = ensure_venv("tool", requirements, tmp_path)
    assert (bin_dir / "python").exists()
    mark = bin_dir / "left-by-the-test"
    mark.touch()
    assert ensure_venv("tool", requirements, tmp_path) == bin_dir
    assert mark.exists()
    requirements.write_text("# nothing else\n", "utf-8")
    ensure_venv("tool", requirements, tmp_path)
    assert not mark.exists()


def test_requirement_without_a_hash_is_refused_each_time(tmp_path: Path) -> None:
    requirements = tmp_path / "tool.txt"
    requirements.write_text("six==1.17.0\n", "utf-8")
    for _ in range(2):
        with pytest.raises(InstallError, match=r"(?i)hashes are required"):
            ensure_venv("tool", requirements, tmp_path)
