"""How somebody is reached: a channel, and one spelling of each address on it. Pure.

What is no address on its channel is none here; nothing is guessed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from workers import phone

_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_EMAIL_CHARS_MAX: Final = 254
_HIDDEN: Final = "•••"


class Channel(StrEnum):
    """What an address is good for. One number has a record for texts and another for calls."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"


def normalise(channel: Channel, address: str) -> str | None:
    """The address as it is stored: a number in E.164, a mail address in lower case; else None.

    A mailbox's own part may tell upper from lower case, and no service that bounces does.
    """
    if channel is not Channel.EMAIL:
        return phone.normalise(address)
    written = address.strip().lower()
    if len(written) > _EMAIL_CHARS_MAX or not _EMAIL.fullmatch(written):
        return None
    return written


def identity(channel: Channel, address: str) -> str:
    """A form that is equal for all spellings of one normalised address; to compare, not to use."""
    if channel is Channel.EMAIL:
        return address
    return phone.identity(address) or address


def mask(channel: Channel, address: str) -> str:
    """The address for people's eyes: `+1206•••0100`, `p•••@example.com`."""
    if channel is not Channel.EMAIL:
        return phone.mask(address)
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}{_HIDDEN}{at}{domain}" if at else _HIDDEN


def channel_of(address: str) -> Channel | None:
    """The channel that an address is usually meant for: a mail address, or a number to text."""
    if normalise(Channel.EMAIL, address):
        return Channel.EMAIL
    return Channel.SMS if normalise(Channel.SMS, address) else None
