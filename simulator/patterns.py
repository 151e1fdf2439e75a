r"""The regular expressions of botocore's models, as the services mean them.

A pattern must match the whole value. Several are broken as they stand: escaped twice, so that
`\\d` asks for a backslash and a d, which refuses every valid value. Those are repaired here, by
the pattern and not by the shape, so that the same mistake elsewhere is repaired too. The
contract test walks every pattern of the operations served and fails for one that neither
accepts its example as it stands nor is repaired here.
"""

from __future__ import annotations

from functools import cache

import regex

REPAIRS: dict[str, str] = {
    # PhoneNumber (connect): escaped twice.
    r"\\+[1-9]\\d{1,14}$": r"\+[1-9]\d{1,14}",
    # S3Uri (connect): its second half escaped twice.
    r"s3://\S+/.+|https://\\S+\\.s3\\.\\S+\\.amazonaws\\.com/\\S+": (
        r"s3://\S+/.+|https://\S+\.s3\.\S+\.amazonaws\.com/\S+"
    ),
    # MediaSource, ThemeString and others (connect): "holds something visible", escaped twice.
    r".*\\S.*": r".*\S.*",
}
"""Broken pattern, as botocore's model holds it, to the one that was meant."""


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    r"""The pattern as meant. `regex` because the models use `\p{L}`, which `re` has not."""
    return regex.compile(REPAIRS.get(pattern, pattern))


def accepts(pattern: str, value: str) -> bool:
    """Whether the whole of `value` fits."""
    return compiled(pattern).fullmatch(value) is not None
