"""What happened, in order: hashed always, kept when somebody wants to read it."""

from __future__ import annotations

import asyncio
import hashlib


class Trace:
    """Two runs of a seed are the same run exactly when their hashes agree."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.events = 0
        self.lines: list[str] = []
        self._keeps = keeps
        self._hash = hashlib.blake2b(digest_size=16)

    def note(self, who: str, what: str, *facts: object) -> None:
        """One event, now."""
        self.events += 1
        told = " ".join(str(fact) for fact in facts)
        line = f"{asyncio.get_running_loop().time():12.6f} {who:<10} {what} {told}"
        self._hash.update(line.encode("utf-8", "surrogatepass"))
        if self._keeps:
            self.lines.append(line)

    def digest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()
