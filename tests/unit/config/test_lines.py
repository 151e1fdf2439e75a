"""Keys are found on their lines."""

from __future__ import annotations

import pytest

from workers.config.places import Places

_ODD_TOML = '''
# brands = 1
"hold_ms_in" = 1   # a quoted key
[[brands]]
name = """
[[brands]]
name = "not a key"
"""
numbers = [
  "a", # ]
  "b",
]
limits.text_ttl_s = 5
[brands.texts]
help = "x"
[[brands]]
[brands.limits]
idle_warn_s = 1
texts = { help = "x" }
[runtime."inbound-sms"]
slots = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("hold_ms_in",), 3),
        (("brands", 0), 4),
        (("brands", 0, "name"), 5),
        (("brands", 0, "numbers", 1), 9),
        (("brands", 0, "limits", "text_ttl_s"), 13),
        (("brands", 0, "limits", "missing"), 13),
        (("brands", 0, "texts", "help"), 15),
        (("brands", 1), 16),
        (("brands", 1, "limits", "idle_warn_s"), 18),
        (("brands", 1, "limits", "texts", "help"), 19),
        (("brands", 1, "missing"), 16),
        (("runtime", "inbound-sms", "slots"), 21),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_keys_are_found_on_their_lines(path: tuple[str | int, ...], line: int | None) -> None:
    assert Places(_ODD_TOML).line_of(path) == line
