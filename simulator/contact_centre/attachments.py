"""Files of a chat: announced, uploaded by PUT, confirmed, and fetched by links that expire."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePath

from simulator.contact_centre.chat import Chat, Participant
from simulator.contact_centre.items import AttachmentRef

UPLOAD_LIFE_S = 60
# UNVERIFIED: file types a chat takes; compare with the guide's "Feature specifications".
_DOCUMENTS = ("csv", "doc", "docx", "pdf", "ppt", "pptx", "rtf", "txt", "xls", "xlsx")
_MEDIA = ("gif", "heic", "jfif", "jpeg", "jpg", "mov", "mp4", "png", "wav")
SUFFIXES = frozenset(_DOCUMENTS + _MEDIA)


class AttachmentState(StrEnum):
    """How far a file has come. The last three are what items show."""

    ANNOUNCED = "ANNOUNCED"
    UPLOADED = "UPLOADED"
    IN_PROGRESS = "IN_PROGRESS"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(slots=True, eq=False)
class Attachment:
    """One file."""

    id: str
    chat: Chat
    owner: Participant
    name: str
    content_type: str
    size_bytes: int
    signature: str
    upload_until: datetime
    state: AttachmentState = AttachmentState.ANNOUNCED
    content: bytes = b""
    confirmed_by: str | None = None
    """The ClientToken of the CompleteAttachmentUpload that was accepted."""

    @property
    def upload_headers(self) -> dict[str, str]:
        """What the PUT must carry, to the letter."""
        return {
            "Content-Type": self.content_type,
            "Content-Disposition": f'attachment; filename="{_ascii(self.name)}"',
            "Content-Length": str(self.size_bytes),
        }

    @property
    def reference(self) -> AttachmentRef:
        """How items name it."""
        return AttachmentRef(self.id, self.name, self.content_type, self.state.value)


@dataclass(frozen=True, slots=True)
class Link:
    """A download URL's secret, and how the file is to be shown."""

    attachment: Attachment
    expires_at: datetime


class AttachmentShelf:
    """All files and the links to them."""

    def __init__(self) -> None:
        self._files: dict[str, Attachment] = {}
        self._links: dict[str, Link] = {}

    def announce(self, attachment: Attachment) -> None:
        """Take in a file that is about to be uploaded, or that an agent has put up."""
        self._files[attachment.id] = attachment

    def find(self, attachment_id: str) -> Attachment | None:
        """The file of that id."""
        return self._files.get(attachment_id)

    def count_in(self, chat: Chat) -> int:
        """How many files a chat has, announced ones too."""
        return sum(1 for attachment in self._files.values() if attachment.chat is chat)

    def link(self, attachment: Attachment, now: datetime, life_s: int) -> tuple[str, datetime]:
        """Make a download secret; returns it with its expiry."""
        secret = secrets.token_urlsafe(32)
        expires_at = now + timedelta(seconds=life_s)
        self._links[secret] = Link(attachment, expires_at)
        return secret, expires_at

    def follow(self, secret: str, now: datetime) -> Attachment | None:
        """The file that a link leads to while it lives."""
        link = self._links.get(secret)
        return link.attachment if link is not None and now < link.expires_at else None


def is_supported(name: str) -> bool:
    """Whether a chat takes files called so."""
    return PurePath(name).suffix.lower().removeprefix(".") in SUFFIXES


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii").replace('"', "'")
