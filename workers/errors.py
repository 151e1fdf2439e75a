"""Every error that crosses a boundary inside the workers, in one tree.

    SwitchboardError
    ├── TransientError            the call did not happen or may be repeated: try again later
    │   ├── Throttled             refused for rate; knows when to come back
    │   ├── QuotaFull             refused for capacity (chats, spend); come back much later
    │   └── Blocked               a key or a stored format is in the way; not the message's fault
    ├── InDoubt                   sent, and no answer: it may have happened
    ├── PermanentError            the same input will fail the same way
    │   ├── OptedOut              the recipient may not be texted
    │   ├── ContactEnded          the chat is over
    │   ├── TokenRefused          a participant or connection token is expired or its chat is over
    │   └── AccountProblem        the account or its configuration refuses; a person must act
    ├── Fenced                    another worker holds the session now: write nothing more
    └── SettingsError             the process must not start

The runtime maps a raised `TransientError` to a backoff, a `PermanentError` to a dead letter (but
an `AccountProblem` to a wait), and anything that is not in this tree to a bug: counted, logged with
its place, tried again.
Errors carry fields, never the user's data: their text reaches logs and dead-letter attributes.
"""

from __future__ import annotations


class SwitchboardError(Exception):
    """The root: raised by nobody, caught by those who mean all of ours."""


class TransientError(SwitchboardError):
    """A call failed in a way that time heals (5xx, network, lock). Nothing was done.

    The runtime gives the message back with exponential backoff and counts an attempt.
    """

    def __init__(self, reason: str, *, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s


class Throttled(TransientError):
    """The API refused for rate, surely without acting. Not an attempt: the message waits."""


class QuotaFull(TransientError):
    """The API refused for capacity: concurrent chats, monthly spend. Not an attempt."""


class Blocked(TransientError):
    """Something that every message needs is in the way: a key, or an item of a newer format.

    A person or the rest of a deployment mends it. Not an attempt: the message waits, else a worker
    with a wrong key would empty the queues into their DLQs.
    """


class InDoubt(SwitchboardError):
    """A send without an idempotency token got no usable answer: it may have gone out.

    Raised by clients only, for SendTextMessage and SendMediaMessage. Never repeat the call: the
    receipt that carries the intent's id tells.
    """

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(f"{operation}: {reason}")
        self.operation = operation
        self.reason = reason


class PermanentError(SwitchboardError):
    """The same input will fail the same way. The runtime dead-letters it at once."""

    def __init__(self, reason: str, *, operation: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.operation = operation


class OptedOut(PermanentError):
    """The recipient is on an opt-out list; the API or our own gate refused to text."""


class ContactEnded(PermanentError):
    """The contact is gone: it ended, or never was in this instance."""


class TokenRefused(PermanentError):
    """403 from the participant service: the token expired or the chat ended, which look alike.

    Renew once with the participant token; refused again means the chat is over.
    """


class AccountProblem(PermanentError):
    """Only a person can mend it: missing permission, wrong flow, registration, sandbox.

    Where it reaches the runtime the message waits, which is no attempt: others would fail as well.
    """


class Fenced(SwitchboardError):
    """The session's lease nonce is not ours any more, so its effects are refused."""


class SettingsError(SwitchboardError):
    """Start-up only: names the setting or key, what is wrong with it and what would be right."""
