"""Every `switchboard` command that a page shows is one, with the options that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from infra.local.toolroom import ROOT
from workers.cli import main

PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "infra").rglob("README.md")]
)
_IN_TEXT = re.compile(r"`(switchboard [^`\n]+)`")
_IN_BLOCK = re.compile(r"^\s*(?:\$ )?(switchboard [^\n]+)$", re.MULTILINE)
_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ENDS = re.compile(r"\s(?:[|#>]|&&|\d>).*$|;.*$")


def commands(page: Path) -> Iterator[str]:
    text = page.read_text("utf-8")
    for block in _FENCED.findall(text):
        yield from _IN_BLOCK.findall(block.replace("\\\n", " "))
    yield from _IN_TEXT.findall(_FENCED.sub("", text))


def mistake(written: str) -> str | None:
    """What a shell would be told, None when it is a command that may be given."""
    try:
        words = shlex.split(_ENDS.sub("", written.replace("|", " | ")))[1:]
    except ValueError as error:
        return str(error)
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        alternatives = words[0].split("|") if "|" in words[0] else [words[0]]
        unknown = [one for one in alternatives if command.get_command(context, one) is None]
        return f"no such command: {' '.join(unknown)}" if unknown else None
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    known |= {"--help", "-h", "--version"}
    options = [word.partition("=")[0] for word in words if word.startswith("--") and word != "--"]
    unknown = [option for option in options if option not in known]
    return f"no such option: {' '.join(unknown)}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_commands_exist(page: Path) -> None:
    wrong = {written: said for written in commands(page) if (said := mistake(written))}
    assert wrong == {}


def test_pages_show_commands_and_mistakes_are_seen() -> None:
    shown = [written for page in PAGES for written in commands(page)]
    assert len(shown) > 60
    assert mistake("switchboard queue paus inbound-sms") == "no such command: paus"
    assert mistake("switchboard dlq ls --frsh") == "no such option: --frsh"
    assert mistake("switchboard dlq ls --fresh | jq .") is None
