"""A Connect instance: its flows, routing queues and agents, found by id or ARN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.contact_centre.flow import Flow
from simulator.contact_centre.flow_catalogue import FlowCatalogue, FlowEntry, read_content
from simulator.contact_centre.flow_texts import flow_from_texts
from simulator.contact_centre.seeding import AgentSeed, FlowSeed, InstanceSeed, QueueSeed


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. Its flows and associated functions grow by the set-up calls."""

    id: str
    arn: str
    status: str
    flows: FlowCatalogue
    queues: tuple[QueueSeed, ...]
    agents: tuple[AgentSeed, ...]
    system_display_name: str
    phone_numbers: tuple[str, ...]
    storage: Mapping[str, str]
    """Bucket by resource type."""
    lambda_functions: list[str]

    def flow(self, id_or_arn: str) -> Flow | None:
        """The published flow of that id or ARN."""
        return self.flows.published(id_or_arn)

    def queue_id(self, id_or_arn: str) -> str:
        """The id of a queue that a flow names by id or ARN."""
        return id_or_arn.rpartition("/")[2]

    def queue(self, id_or_arn: str) -> QueueSeed | None:
        """The queue of that id or ARN."""
        wanted = self.queue_id(id_or_arn)
        return next((queue for queue in self.queues if queue.id == wanted), None)

    def queue_arn(self, queue_id: str) -> str:
        """The ARN that contact events carry."""
        return f"{self.arn}/queue/{queue_id}"

    def agent(self, agent_id: str | None) -> AgentSeed:
        """The agent of that id, else of that name; the first one when None.

        Raises:
            KeyError: nobody is called so.
        """
        if agent_id is None:
            return self.agents[0]
        for agent in self.agents:
            if agent_id in (agent.id, agent.display_name):
                return agent
        raise KeyError(agent_id)


def build_instance(seed: InstanceSeed, arn: str) -> Instance:
    """Make a seeded instance."""
    queue_arn = f"{arn}/queue/{seed.queues[0].id}"
    flows = FlowCatalogue()
    for flow in seed.flows:
        flows.put(_entry(flow, queue_arn))
    return Instance(
        id=seed.id,
        arn=arn,
        status=seed.status,
        flows=flows,
        queues=seed.queues,
        agents=seed.agents,
        system_display_name=seed.system_display_name,
        phone_numbers=seed.phone_numbers,
        storage=seed.storage,
        lambda_functions=list(seed.lambda_functions),
    )


def _entry(seed: FlowSeed, queue_arn: str) -> FlowEntry:
    document = seed.content
    if document is None:
        document = flow_from_texts(seed.texts, queue_arn)
    content = json.dumps(document)
    return FlowEntry(
        id=seed.id,
        name=seed.name,
        content=content,
        flow=read_content(content),
        type=seed.type,
        state=seed.state,
        status=seed.status,
    )
