"""A dead letter as an operator meets it: the message, why it is there, and since when. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from workers.runtime.dead_letters import REASONS
from workers.runtime.sqs import Attribute, Message

UNKNOWN: Final = "unknown"
_OF_AWS: Final = frozenset(
    {
        *("ERROR_CODE", "ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"),
        *("RULE_ARN", "SCHEDULE_ARN", "TARGET_ARN", "EXECUTION_ID"),
    }
)
"""What EventBridge and its Scheduler put beside a message that they could not deliver (EventBridge
user guide, "Using dead-letter queues")."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a dead-letter queue.

    Attributes:
        queue: the queue whose DLQ it lies in, which is where it goes back to.
        message_id: SQS's, of the message in the DLQ; the original had another.
        attributes: all that it carries.
        reasons: why it is there, from its attributes or from the dead-letter record.
        died_at: when it entered the DLQ.
        first_received_at: when a worker first saw the original; `died_at` where nobody wrote it.
    """

    queue: str
    message_id: str
    body: str
    attributes: Mapping[str, Attribute]
    reasons: Mapping[str, str]
    died_at: datetime
    group: str | None = None

    @property
    def reason(self) -> str:
        """A stable word."""
        return self.reasons.get("reason", UNKNOWN)

    @property
    def path(self) -> str:
        """Where in its schema; empty where it is not about a schema."""
        return self.reasons.get("schema_path", "")

    @property
    def first_received_at(self) -> datetime:
        """When a worker first saw it."""
        try:
            return datetime.fromisoformat(self.reasons.get("first_received_at", ""))
        except ValueError:
            return self.died_at

    @property
    def originals(self) -> dict[str, Attribute]:
        """The attributes that its sender gave it."""
        ours = REASONS if "source_queue" in self.attributes else ()
        return {
            name: value
            for name, value in self.attributes.items()
            if name not in ours and name not in _OF_AWS
        }

    @property
    def mark(self) -> str:
        """Names its group: `g` and six hexadecimal digits, the same on every machine."""
        text = f"{self.queue}|{self.reason}|{self.path}"
        return f"g{hashlib.sha256(text.encode()).hexdigest()[:6]}"


@dataclass(slots=True)
class Group:
    """Letters of one queue with the same reason and schema path."""

    mark: str
    queue: str
    reason: str
    path: str
    letters: list[Letter] = field(default_factory=list)


def of_message(queue: str, message: Message, record: Mapping[str, str] | None = None) -> Letter:
    """A received message as a letter; `record` is the dead-letter record of a bare one."""
    return Letter(
        queue=queue,
        message_id=message.message_id,
        body=message.body,
        attributes=dict(message.attributes),
        reasons=_reasons(message.attributes) or dict(record or {}),
        died_at=message.sent_at,
        group=message.group,
    )


def _reasons(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    texts = {name: str(attribute.value) for name, attribute in attributes.items()}
    if "source_queue" in texts:
        return {name: texts[name] for name in REASONS if name in texts}
    if "ERROR_CODE" in texts:
        return {"reason": f"undelivered_{texts['ERROR_CODE'].lower()}"}
    return {}


def grouped(letters: Iterable[Letter]) -> list[Group]:
    """By queue, the largest group of each first."""
    groups: dict[str, Group] = {}
    for letter in letters:
        group = groups.setdefault(
            letter.mark, Group(letter.mark, letter.queue, letter.reason, letter.path)
        )
        group.letters.append(letter)
    return sorted(groups.values(), key=lambda group: (group.queue, -len(group.letters)))


class UnknownNameError(Exception):
    """What was named is no group and no letter of the copy, or several letters."""


SHORTEST_ID: Final = 6


def chosen(letters: Iterable[Letter], names: Iterable[str]) -> list[Letter]:
    """The letters of the named groups and ids; an id may be cut to its first six characters.

    Raises:
        UnknownNameError: nothing, or more than one letter, is called so.
    """
    known = list(letters)
    found: dict[str, Letter] = {}
    for name in names:
        meant = [letter for letter in known if letter.mark == name]
        if not meant and len(name) >= SHORTEST_ID:
            meant = [letter for letter in known if letter.message_id.startswith(name)]
            if len(meant) > 1:
                raise UnknownNameError(f"{name} is the beginning of {len(meant)} ids")
        if not meant:
            raise UnknownNameError(f"nothing here is called {name}")
        found |= {letter.message_id: letter for letter in meant}
    return list(found.values())
