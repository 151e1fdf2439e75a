"""Which SNS topics a deployment has: it is told one, and names the others by the same prefix."""

from __future__ import annotations

from typing import Final

from schemas.topology import Topology

CHAT: Final = "chat-stream"
INBOUND: Final = "inbound-sms"
RECEIPTS: Final = "delivery-receipts"
MAIL: Final = "ses-events"


def topic_arns(chat_topic_arn: str, topology: Topology) -> dict[str, str]:
    """The ARN of every topic of the topology, by logical name, from that of the chat stream.

    Only the chat stream's when its name does not end in its logical one: then no prefix is known.
    """
    prefix = chat_topic_arn.removesuffix(CHAT)
    if prefix == chat_topic_arn:
        return {CHAT: chat_topic_arn}
    return {topic.name: prefix + topic.name for topic in topology.topics}
