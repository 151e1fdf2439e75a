"""What must hold between keys and between brands. Each breach is an error: nothing starts."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Final

from workers.brands import (
    CALL_PLACEHOLDERS,
    DISPLAY_NAME_PLACEHOLDERS,
    PLACEHOLDERS,
    Brand,
)
from workers.config.configuration import Configuration
from workers.config.findings import Finding, Path, spelled
from workers.phone import identity
from workers.words import REQUIRED_HELP, REQUIRED_OPT_IN, REQUIRED_OPT_OUT, fold


def breaches(configuration: Configuration) -> Iterator[Finding]:
    """Everything that is wrong, in the order of the file."""
    names: dict[str, Path] = {}
    numbers: dict[str, Path] = {}
    for index, brand in enumerate(configuration.brands):
        at: Path = ("brands", index)
        yield from _taken(names, brand.name.casefold(), (*at, "name"), "name")
        for number_index, number in enumerate(brand.numbers):
            key = identity(number) or number
            yield from _taken(numbers, key, (*at, "numbers", number_index), "number")
        yield from _start(brand, at)
        yield from _idle_times(brand, at)
        yield from _words(brand, at)
        yield from _texts(brand, at)
        yield from _calls(brand, at)
    yield from _replies(configuration)
    if configuration.reminders.profile_zone and not configuration.profiles.is_on:
        yield Finding(
            ("reminders", "profile_zone"),
            "needs profiles.domain: without one there are no profiles to ask",
        )


def _taken(seen: dict[str, Path], value: str, path: Path, what: str) -> Iterator[Finding]:
    first = seen.setdefault(value, path)
    if first != path:
        yield Finding(path, f"the same {what} as {spelled(first)}; a {what} belongs to one brand")


def _start(brand: Brand, at: Path) -> Iterator[Finding]:
    if brand.start.on == "keyword" and not brand.start.keywords:
        yield Finding(
            (*at, "start", "keywords"), 'needs at least one keyword, as start.on is "keyword"'
        )


def _idle_times(brand: Brand, at: Path) -> Iterator[Finding]:
    limits = brand.limits
    if 0 < limits.idle_close_s <= limits.idle_warn_s:
        yield Finding(
            (*at, "limits", "idle_close_s"),
            f"{limits.idle_close_s} is not after idle_warn_s = {limits.idle_warn_s}: the warning"
            " comes first. Make it larger, or switch the warning off with idle_warn_s = 0",
        )


_DEFAULT_LIST: Final = (
    "This is the default list, which the file does not replace: write it there, without the word"
)


def _words(brand: Brand, at: Path) -> Iterator[Finding]:
    """One word means one thing: else the order of our checks would decide what a customer meant."""
    owners = {
        **dict.fromkeys(REQUIRED_OPT_OUT, "words.opt_out"),
        **dict.fromkeys(REQUIRED_HELP, "words.help"),
        **dict.fromkeys(REQUIRED_OPT_IN, "words.opt_in"),
    }
    lists: tuple[tuple[Path, tuple[str, ...]], ...] = (
        (("words", "opt_out"), brand.words.opt_out),
        (("words", "help"), brand.words.help),
        (("words", "opt_in"), brand.words.opt_in),
        (("start", "keywords"), brand.start.keywords),
        (("words", "filler"), brand.words.filler),
    )
    for path, words in lists:
        is_written = path[0] != "words" or path[1] in brand.words.model_fields_set
        for index, word in enumerate(words):
            folded, here = fold(word), (*at, *path, index)
            if not folded:
                yield Finding(here, f"{word!r} has no letter or digit to compare")
                continue
            owner = owners.setdefault(folded, spelled(path))
            if owner != spelled(path):
                says = f"{word!r} already is in {owner}; a word means one thing"
                yield Finding(here, says if is_written else f"{says}. {_DEFAULT_LIST}")


def _texts(brand: Brand, at: Path) -> Iterator[Finding]:
    for name, allowed in PLACEHOLDERS.items():
        text: str = getattr(brand.texts, name)
        yield from _placeholders(text, allowed, (*at, "texts", name))
    yield from _placeholders(brand.display_name, DISPLAY_NAME_PLACEHOLDERS, (*at, "display_name"))
    if brand.opt_out_mode == "self_managed" and not brand.texts.opt_out_confirmed.strip():
        yield Finding(
            (*at, "texts", "opt_out_confirmed"),
            "is empty, but with self-managed opt-out nobody else confirms a STOP: say something",
        )


def _calls(brand: Brand, at: Path) -> Iterator[Finding]:
    if brand.calls is not None:
        for name, allowed in CALL_PLACEHOLDERS.items():
            text: str = getattr(brand.calls, name)
            yield from _placeholders(text, allowed, (*at, "calls", name))


def _replies(configuration: Configuration) -> Iterator[Finding]:
    """An answer may never be what an opt-out is, nor two answers alike."""
    owners = {
        fold(word): f"{spelled(('brands', index))}.words.{kind}"
        for index, brand in enumerate(configuration.brands)
        if brand.calls is not None
        for kind, words in (("opt_out", brand.words.opt_out), ("help", brand.words.help))
        for word in words
    }
    owners |= dict.fromkeys(REQUIRED_OPT_OUT, "words.opt_out")
    owners |= dict.fromkeys(REQUIRED_HELP, "words.help")
    replies = configuration.reminders.replies
    for kind in ("confirm", "another_time", "agent"):
        words: tuple[str, ...] = getattr(replies, kind)
        for index, word in enumerate(words):
            path: Path = ("reminders", "replies", kind, index)
            if not fold(word):
                yield Finding(path, f"{word!r} has no letter or digit to compare")
                continue
            owner = owners.setdefault(fold(word), f"reminders.replies.{kind}")
            if owner != f"reminders.replies.{kind}":
                yield Finding(path, f"{word!r} already is in {owner}; a word means one thing")


def _placeholders(text: str, allowed: frozenset[str], path: Path) -> Iterator[Finding]:
    if not allowed:
        return
    known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError:
        yield Finding(path, f"a lone brace: write {{{{ or }}}} for the character. Known: {known}")
        return
    for _, name, form, conversion in fields:
        if name not in allowed or form or conversion:
            yield Finding(path, f"{{{name}}} is no placeholder here. Known: {known}")
