"""Where local AWS endpoints are, in the standard `AWS_*` environment variables.

Nothing here is read by the workers: they know only the variables that every SDK knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypedDict

from infra.local.process import LOOPBACK

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
SIMULATED_SERVICES = (
    "CONNECT",
    "CONNECTPARTICIPANT",
    "PINPOINT_SMS_VOICE_V2",
    "SESV2",
    "CUSTOMER_PROFILES",
    "SERVICE_QUOTAS",
)
"""The services that the simulator plays, as botocore spells their ids in AWS_ENDPOINT_URL_<id>."""


class ClientArguments(TypedDict):
    """What boto3's `client` and aiobotocore's `create_client` take by name."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


@dataclass(frozen=True)
class LocalAws:
    """The endpoints of one local world, with credentials that open nothing.

    `overrides` maps a botocore service id (upper case, underscores for spaces) to an endpoint of
    its own; every other service is at `endpoint_url`.
    """

    endpoint_url: str
    overrides: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    region: str = REGION
    access_key_id: str = "test"
    secret_access_key: str = "test"  # noqa: S105 - emulators take any

    def environment(self) -> dict[str, str]:
        """The variables by which any AWS SDK finds these endpoints and no others."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            **{f"AWS_ENDPOINT_URL_{service}": url for service, url in self.overrides.items()},
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            # No look at a developer's own files, nor at the address where EC2 hands out roles.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": f"{LOOPBACK},localhost",
        }

    def url_of(self, service_id: str) -> str:
        """The endpoint of a service, by its botocore id ("SQS", "Pinpoint SMS Voice V2")."""
        return self.overrides.get(service_id.upper().replace(" ", "_"), self.endpoint_url)

    def client_arguments(self, service_id: str) -> ClientArguments:
        """Arguments for an SDK client of that service, for where no environment is wanted."""
        return ClientArguments(
            endpoint_url=self.url_of(service_id),
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )

    def with_simulator(self, url: str) -> LocalAws:
        """These endpoints with the services of the contact centre at `url`."""
        simulated = dict.fromkeys(SIMULATED_SERVICES, url)
        return LocalAws(
            endpoint_url=self.endpoint_url,
            overrides={**self.overrides, **simulated},
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LocalAws:
        """The endpoints that an environment names.

        Raises:
            KeyError: `AWS_ENDPOINT_URL` is not there: this is never the way to a real account.
        """
        marker = "AWS_ENDPOINT_URL_"
        return cls(
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            overrides={
                name.removeprefix(marker): url
                for name, url in environment.items()
                if name.startswith(marker)
            },
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or REGION,
            access_key_id=environment.get("AWS_ACCESS_KEY_ID", "test"),
            secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY", "test"),
        )
