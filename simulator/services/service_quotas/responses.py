"""The operations of Service Quotas."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from simulator.services import operation
from simulator.services.service_quotas import errors
from simulator.services.service_quotas.models import Quota, Quotas
from simulator.wire import Call
from simulator.world import World

_PAGE = 100


class ServiceQuotasResponses:
    """service-quotas, one method per operation, by botocore's snake name."""

    def __init__(self, world: World, quotas: Quotas) -> None:
        self._world = world
        self._quotas = quotas

    @operation(
        true_to="names, codes, values of the account, the filter by code and level, pages",
        source='botocore service model; Connect guide, "Amazon Connect service quotas"',
        not_yet="Connect only, and of it eight; an instance's own values; units and usage metrics",
    )
    async def list_service_quotas(self, call: Call) -> dict[str, Any]:
        """ListServiceQuotas."""
        service = call.params["ServiceCode"]
        if service not in self._quotas.by_service:
            raise errors.no_such_service(service)
        level = call.params.get("QuotaAppliedAtLevel", "ACCOUNT")
        code = call.params.get("QuotaCode")
        shown = [
            self._shown(service, quota)
            for quota in self._quotas.by_service[service]
            if code in (None, quota.code) and level in ("ALL", "ACCOUNT")
        ]
        start = _offset(call.params.get("NextToken"))
        end = start + call.params.get("MaxResults", _PAGE)
        answer: dict[str, Any] = {"Quotas": shown[start:end]}
        if end < len(shown):
            answer["NextToken"] = base64.b64encode(f"offset:{end}".encode()).decode("ascii")
        return answer

    def _shown(self, service: str, quota: Quota) -> dict[str, Any]:
        return {
            "ServiceCode": service,
            "ServiceName": "Amazon Connect",
            "QuotaArn": self._world.arn("servicequotas", f"{service}/{quota.code}"),
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": quota.value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
            "QuotaAppliedAtLevel": "ACCOUNT",
        }


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        kind, _, number = base64.b64decode(token).decode("ascii").partition(":")
        if kind == "offset":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise errors.bad_token()
