"""What the role may do, by IAM's word and by trying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.needs import Simulation, needed
from workers.cli.doctor.probes import probes
from workers.cli.doctor.site import Site
from workers.cli.one_shot import code_of, is_denied

CATALOGUE: Final = Catalogue()


@CATALOGUE.add(
    looks_at="whether the role may do each thing that the workers do, by IAM's own simulation",
    remedy="add the action on that resource to the task role (Terraform: modules/fleet)",
    asks=("iam:SimulatePrincipalPolicy", "iam:GetRole", "kms:DescribeKey"),
    after=("credentials", "queues"),
)
def permissions(site: Site) -> Iterator[Problem]:
    """Only a role can be simulated. Where IAM may not be asked, `calls_without_effect` is left."""
    simulation = Simulation.of_caller(site)
    if simulation is None:
        raise NotConcerned("these are no credentials of a role: IAM simulates roles only")
    for need in needed(site):
        yield from (
            Problem(action, f"not allowed on {need.resource}")
            for action in simulation.refused(need)
        )


@CATALOGUE.add(
    looks_at="calls that change nothing, whatever they are answered: contacts that do not exist,"
    " conditions that are never met, a text that is only checked",
    remedy="add the action to the task role (Terraform: modules/fleet)",
    asks=(),
    after=("credentials", "tables", "connect_instance", "numbers"),
)
def calls_without_effect(site: Site) -> Iterator[Problem]:
    """The role's own permission for each, seen without IAM. Any answer but a refusal will do."""
    for probe in probes(site):
        try:
            probe.call()
        except ClientError as refusal:
            if is_denied(refusal):
                yield Problem(probe.action, f"AWS refuses it ({code_of(refusal)})")
