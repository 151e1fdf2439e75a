"""How a text is cut into parts on the air: GSM 03.38 where it can be, else UCS-2.

Source: End User Messaging User Guide, "SMS character limits".
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_MAX_GSM = 1530
_MAX_UNICODE = 630


@dataclass(frozen=True, slots=True)
class Encoded:
    """How long a text is, in the units of its encoding (septets, or UTF-16 units)."""

    encoding: Literal["GSM", "Unicode"]
    units: int

    @property
    def parts(self) -> int:
        """How many messages go over the air, and are paid."""
        single, multiple = (160, 153) if self.encoding == "GSM" else (70, 67)
        return 1 if self.units <= single else ceil(self.units / multiple)

    @property
    def is_deliverable(self) -> bool:
        """Whether it is within what one SMS may hold, less than the model's 1600."""
        return self.units <= (_MAX_GSM if self.encoding == "GSM" else _MAX_UNICODE)


def encode(text: str) -> Encoded:
    """Count a text."""
    if all(char in _GSM or char in _GSM_EXTENDED for char in text):
        return Encoded("GSM", sum(2 if char in _GSM_EXTENDED else 1 for char in text))
    return Encoded("Unicode", len(text.encode("utf-16-le", "surrogatepass")) // 2)
