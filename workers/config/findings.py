"""What is wrong with a configuration, or unwise: where, on which line, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend or to think about. Quotes keys and words of the file, no numbers."""

    path: Path
    says: str
    line: int | None = None

    @property
    def key(self) -> str:
        """The key as people write it: `brands[1].limits.idle_close_s`."""
        return spelled(self.path)

    def __str__(self) -> str:
        """`line 12: brands[1].name: ...`."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.key or 'the file'}: {self.says}"


def spelled(path: Path) -> str:
    """`("brands", 1, "name")` as `brands[1].name`; counts from 0, as every error message does."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
