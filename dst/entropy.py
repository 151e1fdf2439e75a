"""The operating system's randomness and Python's global one, drawn from the seed.

Nonces, UUIDs, tokens and the SDK's jitter all come from there. Third parties draw from it too, so
it is replaced at its source instead of being passed around.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def stream(seed: int, name: str) -> random.Random:
    """A random sequence of its own: what one part draws changes nothing for the others."""
    return random.Random(f"{seed}/{name}")  # noqa: S311 - repeatable on purpose


@contextmanager
def seeded_entropy(seed: int) -> Iterator[None]:
    """While the block runs, `os.urandom` and all that is built on it repeat with the seed."""
    chance = stream(seed, "entropy")
    module: Any = random
    urandom, sysrandom, state = os.urandom, module._urandom, random.getstate()
    os.urandom = module._urandom = chance.randbytes
    random.seed(f"{seed}/global")
    try:
        yield
    finally:
        os.urandom, module._urandom = urandom, sysrandom
        random.setstate(state)
