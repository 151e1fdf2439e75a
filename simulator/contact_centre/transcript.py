"""GetTranscript's paging: which items, in which order, and where the next page starts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from simulator.contact_centre.items import ChatItem

Direction = Literal["FORWARD", "BACKWARD"]


class BadPageRequestError(Exception):
    """A position that does not exist or a page token that is not ours."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the transcript. `next_token` is empty on the last page, as real answers show."""

    items: list[ChatItem]
    next_token: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a client asked for; `bearer` binds page tokens to the connection token in use.

    A page token does not survive a reconnect (amazon-connect-chatjs, issue 245).
    """

    bearer: str
    max_results: int = 10
    direction: Direction | None = None
    is_ascending: bool = False
    position: dict[str, Any] | None = None
    next_token: str | None = None


def read_page(items: Sequence[ChatItem], request: PageRequest) -> Page:
    """Cut one page out of `items`, which are oldest first.

    The direction chooses which items, the sort order only how the page is ordered.

    Raises:
        BadPageRequestError: unknown position or foreign token.
    """
    direction, start = _where(items, request)
    count = request.max_results or 10
    if direction == "FORWARD":
        chosen = list(items[start : start + count])
        following = start + count
        has_more = following < len(items)
    else:
        chosen = list(items[max(0, start - count + 1) : start + 1])
        following = start - count
        has_more = following >= 0
    # A page token names an item, not an index: items that come meanwhile shift nothing.
    token = _page_token(items[following].id, direction, request.bearer) if has_more else ""
    return Page(chosen if request.is_ascending else chosen[::-1], token)


def _where(items: Sequence[ChatItem], request: PageRequest) -> tuple[Direction, int]:
    if request.next_token:
        direction, item_id = _read_token(request.next_token, request.bearer)
        return direction, _index_of(items, item_id)
    # chatjs sends StartPosition {} on every first call; an empty one is none.
    if not request.position:
        direction = request.direction or "BACKWARD"
        return direction, 0 if direction == "FORWARD" else len(items) - 1
    direction = request.direction or "FORWARD"
    return direction, _position(items, request.position, direction)


def _position(items: Sequence[ChatItem], position: dict[str, Any], direction: Direction) -> int:
    if len(position) != 1:
        raise BadPageRequestError("StartPosition takes one of Id, AbsoluteTime, MostRecent")
    match next(iter(position.items())):
        case "Id", str(item_id):
            return _index_of(items, item_id)
        case "AbsoluteTime", str(text):
            return _index_at(items, _moment(text), direction)
        case "MostRecent", int(count):
            return max(0, len(items) - count)
        case _:
            raise BadPageRequestError("StartPosition has an unknown member")


def _index_of(items: Sequence[ChatItem], item_id: str) -> int:
    for index, item in enumerate(items):
        if item.id == item_id:
            return index
    raise BadPageRequestError("no such item")


def _index_at(items: Sequence[ChatItem], moment: datetime, direction: Direction) -> int:
    if direction == "FORWARD":
        return sum(1 for item in items if item.at < moment)
    return sum(1 for item in items if item.at <= moment) - 1


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadPageRequestError("AbsoluteTime is not ISO 8601") from exc
    if moment.tzinfo is None:
        raise BadPageRequestError("AbsoluteTime has no zone")
    return moment


def _page_token(item_id: str, direction: Direction, bearer: str) -> str:
    body = json.dumps([item_id, direction, _mark(bearer)])
    return base64.urlsafe_b64encode(body.encode()).decode()


def _read_token(token: str, bearer: str) -> tuple[Direction, str]:
    try:
        item_id, direction, mark = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error) as exc:
        raise BadPageRequestError("NextToken is not one of ours") from exc
    if mark != _mark(bearer) or direction not in ("FORWARD", "BACKWARD"):
        raise BadPageRequestError("NextToken is not valid for this connection")
    return direction, str(item_id)


def _mark(bearer: str) -> str:
    return hashlib.sha256(bearer.encode()).hexdigest()[:16]
