"""The bytes of attachments over HTTP, at the signed URLs that the participant service hands out."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from aiohttp import web

from simulator.contact_centre.attachments import Attachment, AttachmentState
from simulator.contact_centre.centre import ATTACHMENT_PATH, ContactCentre
from simulator.response_writer import CORS


class AttachmentFiles:
    """PUT to upload, GET to download. Refusals are XML, as those of S3 are."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre

    def routes(self) -> Iterable[web.RouteDef]:
        """Both."""
        return (
            web.put(f"{ATTACHMENT_PATH}/{{id}}", self.upload),
            web.get(f"{ATTACHMENT_PATH}/{{id}}", self.download),
        )

    async def upload(self, request: web.Request) -> web.Response:
        """Take the announced bytes, with the announced headers, before the URL expires."""
        attachment = self._centre.shelf.find(request.match_info["id"])
        if attachment is None or request.query.get("signature") != attachment.signature:
            return _refusal("SignatureDoesNotMatch", 403)
        if self._centre.now() >= attachment.upload_until:
            return _refusal("AccessDenied", 403)
        wanted = attachment.upload_headers
        if any(request.headers.get(name) != value for name, value in wanted.items()):
            return _refusal("SignatureDoesNotMatch", 403)
        content = await _read(request, attachment.size_bytes)
        if len(content) != attachment.size_bytes:
            return _refusal("IncompleteBody", 400)
        if attachment.state in (AttachmentState.ANNOUNCED, AttachmentState.UPLOADED):
            attachment.content = content
            attachment.state = AttachmentState.UPLOADED
        return web.Response(headers=CORS)

    async def download(self, request: web.Request) -> web.Response:
        """The bytes, while the link lives."""
        attachment = self._centre.shelf.follow(
            request.query.get("signature", ""), self._centre.now()
        )
        if attachment is None or attachment.id != request.match_info["id"]:
            return _refusal("AccessDenied", 403)
        shown = "inline" if request.query.get("as") == "INLINE" else "attachment"
        return web.Response(
            body=attachment.content,
            headers={
                **CORS,
                "Content-Type": attachment.content_type,
                "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(attachment.name)}",
            },
        )


def upload_url(centre: ContactCentre, attachment: Attachment) -> str:
    """Where the client is to PUT the file."""
    return f"{_address(centre, attachment)}?signature={attachment.signature}"


def download_url(centre: ContactCentre, attachment: Attachment, secret: str, shown: str) -> str:
    """Where the client may GET the file."""
    return f"{_address(centre, attachment)}?signature={secret}&as={shown}"


def _address(centre: ContactCentre, attachment: Attachment) -> str:
    return f"{centre.world.url}{ATTACHMENT_PATH}/{attachment.id}"


async def _read(request: web.Request, size_bytes: int) -> bytes:
    """The body, as far as one byte past what was announced."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        content += chunk
        if len(content) > size_bytes:
            break
    return bytes(content)


def _refusal(code: str, status: int) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return web.Response(text=text, content_type="application/xml", status=status, headers=CORS)
