"""Prints a conversation as it happens, with the time that each hop took."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from demo.judge import words

WIDTH = 78
_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_COLOURS = {"phone": "\x1b[36m", "desk": "\x1b[33m", "system": "\x1b[2m", "bad": "\x1b[31m"}


@dataclass
class Transcript:
    """A printed stage. Colours only when `out` is a terminal."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    started_at: float = field(default_factory=time.monotonic)
    hops_ms: list[float] = field(default_factory=list)

    def scene(self, title: str) -> None:
        """A heading between acts."""
        self._write("")
        self._write(self._paint(title, _BOLD))

    def said(self, who: str, body: str, *, at: str) -> None:
        """Somebody says something on the `phone` or at the `desk`."""
        self._line(who, "▸", body, at)

    def heard(self, who: str, body: str, *, at: str, hop_ms: float | None = None) -> None:
        """It reaches the other side, `hop_ms` later."""
        took = "" if hop_ms is None else f"  {hop_ms:,.0f} ms"
        if hop_ms is not None:
            self.hops_ms.append(hop_ms)
        self._line(who, "◂", body, at, took)

    def note(self, text: str) -> None:
        """What happens besides."""
        self._line("", "·", text, "system")

    def line(self, text: str) -> None:
        """A line of a table, as it is."""
        self._write(f"  {text}".rstrip())

    def trouble(self, text: str) -> None:
        """What is wrong."""
        self._line("", "!", text, "bad")

    def _line(self, who: str, sign: str, body: str, at: str, took: str = "") -> None:
        clock = f"{time.monotonic() - self.started_at:7.2f} s"
        shown = " ".join(words(body)) if body.strip() else "(blank)"
        if len(shown) > WIDTH:
            shown = f"{shown[: WIDTH - 20]}… ({len(body)} characters)"
        name = f"{who:<14}"
        left = self._paint(clock, _DIM)
        self._write(f"{left}  {self._paint(name + sign, _COLOURS[at])} {shown}{self._dim(took)}")

    def _dim(self, text: str) -> str:
        return self._paint(text, _DIM) if text else ""

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self.out.isatty() else text

    def _write(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()
