"""A Connect instance: its flows, routing queues and agents, found by id or ARN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.contact_centre.flow import Flow, read_flow
from simulator.contact_centre.flow_texts import flow_from_texts
from simulator.contact_centre.seeding import AgentSeed, InstanceSeed, QueueSeed


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. `flows` is keyed by flow id."""

    id: str
    arn: str
    flows: Mapping[str, Flow]
    queues: tuple[QueueSeed, ...]
    agents: tuple[AgentSeed, ...]
    system_display_name: str
    phone_numbers: tuple[str, ...]

    def flow(self, id_or_arn: str) -> Flow | None:
        """The flow of that id or ARN."""
        return self.flows.get(id_or_arn.rpartition("/")[2])

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
    flows = {
        flow.id: read_flow(flow.content)
        if flow.content is not None
        else flow_from_texts(flow.texts, queue_arn)
        for flow in seed.flows
    }
    return Instance(
        seed.id,
        arn,
        flows,
        seed.queues,
        seed.agents,
        seed.system_display_name,
        seed.phone_numbers,
    )
