"""The operations of Service Quotas."""

from __future__ import annotations

from typing import Any

from simulator.pages import page
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
        return page(
            shown,
            "Quotas",
            token=call.params.get("NextToken"),
            size=call.params.get("MaxResults", _PAGE),
            refusal=errors.bad_token,
        )

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
