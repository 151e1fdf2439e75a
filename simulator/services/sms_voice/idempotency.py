"""ClientToken of the create calls: the same token answers the same again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call


def once(
    state: SmsVoiceState, call: Call, make: Callable[[Call], dict[str, Any]]
) -> dict[str, Any]:
    """The first answer to this operation and ClientToken; made now, if this is the first."""
    token = call.params.get("ClientToken")
    if token is None:
        return make(call)
    key = (call.operation, token)
    if key not in state.tokens:
        state.tokens[key] = make(call)
    return state.tokens[key]
