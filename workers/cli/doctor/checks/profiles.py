"""Customer Profiles: the domain and the object types that are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import Site
from workers.cli.one_shot import is_not_found
from workers.config import ObjectKind

CATALOGUE: Final = Catalogue()
_SERVICE: Final = "customer-profiles"


@CATALOGUE.add(
    looks_at="the domain of `profiles.domain`",
    remedy="make the domain (Connect console, Customer profiles), or correct `profiles.domain`",
    asks=("profile:GetDomain",),
    after=("credentials",),
)
def profiles_domain(site: Site) -> Iterator[Problem]:
    """Not looked at where no profiles are written."""
    domain = site.configuration.profiles.domain
    if not domain:
        raise NotConcerned("profiles.domain is empty: no profiles are written")
    try:
        site.aws.client(_SERVICE).get_domain(DomainName=domain)
    except ClientError as refusal:
        if not is_not_found(refusal):
            raise
        yield Problem(domain, "there is no such domain in this account and Region")


@CATALOGUE.add(
    looks_at="each object type that is written: messages wait for one that is missing",
    remedy="run `switchboard setup profiles`; a type of your own is yours to make",
    asks=("profile:GetProfileObjectType",),
    after=("profiles_domain",),
)
def object_types(site: Site) -> Iterator[Problem]:
    """By the names of `[profiles.objects]`."""
    rules = site.configuration.profiles
    if not rules.is_on:
        raise NotConcerned("profiles.domain is empty: no profiles are written")
    for kind in ObjectKind:
        mapping = rules.objects.named(kind)
        if mapping is None:
            continue
        try:
            site.aws.client(_SERVICE).get_profile_object_type(
                DomainName=rules.domain, ObjectTypeName=mapping.type
            )
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(mapping.type, f"the domain has no such object type ({kind.value})")
