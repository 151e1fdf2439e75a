"""What a service that we know puts on EventBridge and that we have no use for.

Contact Lens rules, SES account states, API calls seen by CloudTrail, and whatever comes next:
recognised as that service's, counted, and let go.
"""

from __future__ import annotations

from schemas.event_class import EventClass
from schemas.shape import EventShape, Word, distinct

FAMILY_OF_SOURCE = {
    "aws.connect": EventClass.CONNECT_CONTACT_EVENT,
    "aws.ses": EventClass.SES_EVENT,
    "aws.sms-voice": EventClass.EUM_EVENT,
}
"""The services that we know by their `source`. Nobody else may use a name that begins `aws.`."""


class OtherServiceEvent(EventShape):
    """An event of a known service whose type we do not read."""

    family: EventClass
    detail_type: Word
    contact_id: str | None = None
    contact_arn: str | None = None

    @property
    def own_type(self) -> str:
        """EventBridge's detail-type."""
        return self.detail_type

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The contact, where it is about one."""
        return distinct([self.contact_id or (self.contact_arn or "").rpartition("/")[2]])
