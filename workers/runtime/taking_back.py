"""What becomes of a delivery that is the cover of a deferred message."""

from __future__ import annotations

import structlog

from workers.errors import SwitchboardError
from workers.runtime.deferral import ParcelMissingError
from workers.runtime.envelope import MalformedEnvelopeError
from workers.runtime.inhand import Held
from workers.runtime.shared import Shared
from workers.runtime.verdict import (
    DEFERRED_PART_MISSING,
    Verdict,
    deferred_malformed,
    too_early,
    wait_instead,
)

log = structlog.get_logger()


async def take_back(held: Held, shared: Shared) -> Verdict | None:
    """Put the deferred message in the place of its cover. A verdict when it cannot be handled now.

    Without anything that could have deferred it, it is a message like any other.
    """
    if shared.deferrals is None:
        return None
    try:
        returned = await shared.deferrals.take_back(held.message)
    except MalformedEnvelopeError as error:
        return deferred_malformed(error.path)
    except ParcelMissingError:
        return DEFERRED_PART_MISSING
    except SwitchboardError as error:
        log.warning("deferred_part_unreachable", error_type=type(error).__name__)
        return wait_instead("deferred_part_unreachable")
    held.becomes(returned.message)
    held.parcel = returned.parcel
    early_s = (returned.until - shared.clock.now()).total_seconds()
    return too_early(shared.bend.waited_s(early_s)) if early_s > 0 else None
