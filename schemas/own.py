"""Our own messages: what workers ask of each other over a queue.

They are ours alone, so they are strict: an unknown key, command or version is a deployment that
mixes two programs, and goes to the dead-letter queue instead of being half understood. A new
command is a class here and a line in `Command`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from schemas.event_class import EventClass
from schemas.timestamps import Time

SessionId = Annotated[str, StringConstraints(min_length=26, max_length=26)]

Label = Annotated[str, StringConstraints(min_length=1, max_length=256)]


def _written_time(value: object) -> datetime:
    """A time with its offset kept: of a wall clock somewhere. A naive one would be a guess."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("not a time with an offset")
    return value


WrittenTime = Annotated[datetime, BeforeValidator(_written_time)]

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
    """Read End User Messaging's opt-out lists back in. A tick: whoever gets it, one does it.

    Without `opt_out_list` it is about every list that a brand leaves to End User Messaging.

    `tick` names the occasion, as Scheduler's `<aws.scheduler.scheduled-time>` does: however often
    a tick comes, its work is done once.
    """

    switchboard: Literal["opt_out_sync"] = "opt_out_sync"
    version: Literal[1] = 1
    opt_out_list: str | None = Field(
        default=None, min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_:/-]+$"
    )
    tick: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:+-]+$")

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The list, where it names one."""
        return () if self.opt_out_list is None else (self.opt_out_list,)

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """The list and the occasion."""
        return "/".join((*self.own_keys, self.tick))

    @property
    def own_time(self) -> datetime | None:
        """None: it is about now, whenever that is."""
        return None


class PinpointOrigin(BaseModel):
    """What of Amazon Pinpoint a reminder came from: its results say so in Pinpoint's own shape."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint_id: Label
    application_id: Label | None = None
    campaign_id: Label | None = None
    journey_id: Label | None = None
    treatment_id: Label | None = None
    activity_id: Label | None = None


class Remind(_Command):
    """Call this person about that appointment. Anybody may send it; docs/reminders.md has the form.

    `id` is the sender's own: whatever comes again under the same id is the same reminder. An
    aware `appointment_at` keeps its offset, which is the wall of whoever made the appointment.
    """

    switchboard: Literal["remind"] = "remind"
    version: Literal[1] = 1
    id: str = Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9_.:/#@-]+$",
        description="The sender's own; the same id is the same reminder, however often it comes",
    )
    brand: str = Field(min_length=1, max_length=64, description="A brand's `name`")
    number: str = Field(min_length=2, max_length=40, description="The callee's number, E.164")
    appointment_at: WrittenTime | None = Field(
        default=None, description="ISO 8601 with an offset or Z; this or `useful_until` is needed"
    )
    not_before: Time | None = Field(default=None, description="Call from then on; now when absent")
    useful_until: Time | None = Field(
        default=None,
        description="No call from then on; `lead_s` before the appointment when absent",
    )
    name: str | None = Field(default=None, max_length=64, description="How the callee is addressed")
    language: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="BCP 47; the brand's when absent",
    )
    zone: str | None = Field(
        default=None, max_length=64, description="IANA zone; by the number when absent or unknown"
    )
    customer_id: str | None = Field(
        default=None, max_length=128, description="Of Customer Profiles"
    )
    attributes: dict[str, str] = Field(
        default_factory=dict,
        max_length=20,
        description="Contact attributes for the flow; keys that begin with `sb_` are ours",
    )
    call_list: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="The list that it is on"
    )
    pinpoint: PinpointOrigin | None = Field(
        default=None, description="Where a campaign or journey of Amazon Pinpoint asked for it"
    )

    @field_validator("attributes")
    @classmethod
    def _fit_a_contact(cls, attributes: dict[str, str]) -> dict[str, str]:
        for key, value in attributes.items():
            if not re.fullmatch(r"(?!sb_)[A-Za-z0-9_-]{1,128}", key) or len(value) > 1024:
                raise ValueError("an attribute's key or size")
        return attributes

    @model_validator(mode="after")
    def _ends_somewhen(self) -> Self:
        if self.appointment_at is None and self.useful_until is None:
            raise ValueError("appointment_at or useful_until")
        return self

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The callee's number."""
        return (self.number,)

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
        """None: it is about now, whenever that is."""
        return None


class ReminderWatch(_Command):
    """Look after one reminder until it is over: a live timer, which names nobody."""

    switchboard: Literal["reminder_watch"] = "reminder_watch"
    version: Literal[1] = 1
    rid: SessionId

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The reminder."""
        return (self.rid,)

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """The reminder."""
        return self.rid

    @property
    def own_time(self) -> datetime | None:
        """None: it is about now, whenever that is."""
        return None


class CallSweep(_Command):
    """Ask what became of calls whose end nobody told of. A tick; a second one does no harm."""

    switchboard: Literal["call_sweep"] = "call_sweep"
    version: Literal[1] = 1
    tick: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:+-]+$")

    @property
    def own_keys(self) -> tuple[str, ...]:
        """None: it is about all of them."""
        return ()

    @property
    def own_type(self) -> str:
        """The command's name."""
        return self.switchboard

    @property
    def own_id(self) -> str | None:
        """The occasion."""
        return self.tick

    @property
    def own_time(self) -> datetime | None:
        """None: it is about now, whenever that is."""
        return None


Command = Annotated[
    ChatWatch | Notice | OptOutSync | Remind | ReminderWatch | CallSweep,
    Field(discriminator="switchboard"),
]
"""What workers ask of each other, and `remind`, which anybody may ask of them."""

COMMANDS = (ChatWatch, Notice, OptOutSync, Remind, ReminderWatch, CallSweep)
COMMAND_NAMES = frozenset(str(command.model_fields["switchboard"].default) for command in COMMANDS)


def encode_command(command: Command) -> str:
    """Write a command as the body of a queue message."""
    return command.model_dump_json()
