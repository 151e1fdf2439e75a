"""Puts a finished file into the chat as an item, past the scanner where one is switched on."""

from __future__ import annotations

from simulator.contact_centre.attachments import Attachment, AttachmentState
from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Draft
from simulator.contact_centre.content import ItemType, Visibility


def file_attachment(
    centre: ContactCentre, attachment: Attachment, visibility: Visibility = Visibility.ALL
) -> str:
    """Post the ATTACHMENT item; returns its id.

    With a scanner the item comes twice under one id: IN_PROGRESS, then its verdict.
    """
    item_id = centre.world.new_id()
    knobs = centre.knobs
    if knobs.attachment_scan == "none":
        attachment.state = AttachmentState.APPROVED
        _post(centre, attachment, item_id, visibility)
        return item_id
    attachment.state = AttachmentState.IN_PROGRESS
    _post(centre, attachment, item_id, visibility)
    verdict = {"approve": AttachmentState.APPROVED, "reject": AttachmentState.REJECTED}
    centre.world.tasks.start(
        "attachment_scan",
        _scan(centre, attachment, item_id, visibility, verdict[knobs.attachment_scan]),
    )
    return item_id


async def _scan(
    centre: ContactCentre,
    attachment: Attachment,
    item_id: str,
    visibility: Visibility,
    verdict: AttachmentState,
) -> None:
    await centre.world.clock.sleep(centre.knobs.attachment_scan_ms / 1000)
    attachment.state = verdict
    if not attachment.chat.is_ended:
        _post(centre, attachment, item_id, visibility)


def _post(
    centre: ContactCentre, attachment: Attachment, item_id: str, visibility: Visibility
) -> None:
    draft = Draft(
        ItemType.ATTACHMENT,
        author=attachment.owner.author,
        visibility=visibility,
        attachments=(attachment.reference,),
    )
    centre.delivery.post(attachment.chat, draft, item_id)
