"""Pages and filters of the describe calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from simulator import pages
from simulator.services.sms_voice import errors

ItemT = TypeVar("ItemT")
_PAGE = 100


def page(items: Iterable[dict[str, Any]], member: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """One page under `member`.

    Raises:
        AwsError: the NextToken is none that was given out.
    """
    return pages.page(
        items,
        member,
        token=params.get("NextToken"),
        size=params.get("MaxResults", _PAGE),
        refusal=lambda: errors.validation(
            "INVALID_NEXT_TOKEN", "The NextToken is invalid", "nextToken"
        ),
    )


def chosen(
    names: list[str] | None, everything: Iterable[ItemT], find: Callable[[str], ItemT]
) -> list[ItemT]:
    """Those named, each of which must exist, or all when none is named."""
    return [find(name) for name in names] if names else list(everything)


def passes(filters: list[Mapping[str, Any]] | None, values: Mapping[str, Any]) -> bool:
    """Whether something with these filterable values is asked for: every filter, any value.

    Raises:
        AwsError: a filter that this resource has not.
    """
    for wanted in filters or ():
        if wanted["Name"] not in values:
            message = f"The filter {wanted['Name']} is not supported"
            raise errors.validation("INVALID_FILTER_VALUES", message, "filters")
        if _texts(values[wanted["Name"]]).isdisjoint(wanted["Values"]):
            return False
    return True


def _texts(value: Any) -> set[str]:
    match value:
        case bool():
            return {str(value).lower()}
        case tuple() | list() | set() | frozenset():
            return {str(item) for item in value}
        case None:
            return set()
        case _:
            return {str(value)}
