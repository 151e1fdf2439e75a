"""Our own messages: what workers ask of each other over a queue.

They are ours alone, so they are strict: an unknown key, command or version is a deployment that
mixes two programs, and goes to the dead-letter queue instead of being half understood. A new
command is a class here and a line in `Command`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.event_class import EventClass
from schemas.timestamps import Time

SessionId = Annotated[str, StringConstraints(min_length=26, max_length=26)]

NoticeKind = Literal[
    "opt_out_confirmed",
    "help",
    "return_confirmed",
    "return_refused",
    "busy",
    "idle_warning",
    "idle_closed",
    "no_match",
    "refused",
    "ended",
]


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    event_class: ClassVar[EventClass] = EventClass.COMMAND
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "snake"


class _OfSession(_Command):
    sid: SessionId
    gen: int = Field(ge=0)

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The session."""
        return (self.sid,)


class ChatWatch(_OfSession):
    """Look after one chat: a live timer, which stays on its queue as long as its chat lives."""

    switchboard: Literal["chat_watch"] = "chat_watch"
    version: Literal[1] = 1

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """The session and the generation of its chat."""
        return f"{self.sid}/{self.gen}"

    @property
    def own_time(self) -> datetime | None:
        """None: it is about now, whenever that is."""
        return None


class Notice(_OfSession):
    """Send one of our own texts, once."""

    switchboard: Literal["notice"] = "notice"
    version: Literal[1] = 1
    id: str = Field(min_length=1, max_length=256)
    kind: NoticeKind
    at: Time

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """Its id."""
        return self.id

    @property
    def own_time(self) -> datetime | None:
        """When it was decided on."""
        return self.at


class OptOutSync(_Command):
    """Read one of End User Messaging's opt-out lists back in. A tick: whoever gets it, one does it.

    `tick` names the occasion, as Scheduler's `<aws.scheduler.scheduled-time>` does: however often
    a tick comes, its work is done once.
    """

    switchboard: Literal["opt_out_sync"] = "opt_out_sync"
    version: Literal[1] = 1
    opt_out_list: str = Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_:/-]+$")
    tick: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:+-]+$")

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The list."""
        return (self.opt_out_list,)

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """The list and the occasion."""
        return f"{self.opt_out_list}/{self.tick}"

    @property
    def own_time(self) -> datetime | None:
        """None: it is about now, whenever that is."""
        return None


Command = Annotated[ChatWatch | Notice | OptOutSync, Field(discriminator="switchboard")]
"""What workers ask of each other."""

COMMAND_NAMES = frozenset({"chat_watch", "notice", "opt_out_sync"})


def encode_command(command: Command) -> str:
    """Write a command as the body of a queue message."""
    return command.model_dump_json()
