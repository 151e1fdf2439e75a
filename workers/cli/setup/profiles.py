"""Object types of Customer Profiles: the shipped ones that switchboard.toml writes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from workers.cli.one_shot import OneShotAws, is_not_found
from workers.cli.setup.plan import Act, Step, differences
from workers.config import ObjectKind, ProfileRules

SERVICE: Final = "customer-profiles"
_COMPARED: Final = ("Description", "AllowProfileCreation", "Fields", "Keys")


class ObjectTypesPlanner:
    """Puts each object type that is missing, or maps otherwise than its file."""

    def __init__(
        self, aws: OneShotAws, rules: ProfileRules, shipped: Mapping[str, dict[str, Any]]
    ) -> None:
        self._aws = aws
        self._rules = rules
        self._shipped = shipped

    def steps(self) -> Iterator[Step]:
        """One step for each kind of object that is written."""
        if not self._rules.is_on:
            says = "profiles.domain is empty in switchboard.toml: no profiles are written"
            yield Step("object type", "all", Act.LEAVE, says)
            return
        if self._ask("get_domain") is None:
            says = "the domain is not there: make it with Connect, or name another"
            yield Step("domain", self._rules.domain, Act.BLOCKED, says)
            return
        for kind in ObjectKind:
            mapping = self._rules.objects.named(kind)
            if mapping is not None:
                yield self._type(mapping.type)

    def _type(self, name: str) -> Step:
        if name not in self._shipped:
            return Step("object type", name, Act.LEAVE, "a type of your own: no file of ours")
        wanted = self._shipped[name]
        now = self._ask("get_profile_object_type", ObjectTypeName=name)
        changed = differences(now or {}, {m: wanted[m] for m in _COMPARED if m in wanted})
        if not changed:
            return Step("object type", name, Act.SAME)

        def do() -> str:
            client = self._aws.client(SERVICE)
            client.put_profile_object_type(DomainName=self._rules.domain, **wanted)
            return ""

        says = f"in domain {self._rules.domain}"
        if now is None:
            return Step("object type", name, Act.CREATE, says, do)
        return Step("object type", name, Act.UPDATE, f"{says}: {', '.join(changed)} differ", do)

    def _ask(self, call: str, **params: str) -> dict[str, Any] | None:
        """The answer; None when what is asked for is not there."""
        try:
            answer: dict[str, Any] = getattr(self._aws.client(SERVICE), call)(
                DomainName=self._rules.domain, **params
            )
        except ClientError as exc:
            if is_not_found(exc):
                return None
            raise
        return answer
