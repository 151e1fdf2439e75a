"""What a test can turn in the contact centre while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.knobs import KnobSection

SECTION = "contact_centre"


class ContactCentreKnobs(KnobSection):
    """Agents, opening, quotas, lifetimes. Defaults are AWS's, where AWS documents them."""

    agent_joins: Literal["automatic", "manual"] = "automatic"
    agent_joins_after_ms: int = Field(default=200, ge=0)
    agent_answers: str | None = Field(default=None, max_length=4_000)
    """A template for an answer to each customer message: `{content}` and `{number}` are filled."""
    agent_answers_after_ms: int = Field(default=50, ge=0)
    after_contact_work_ms: int = Field(default=0, ge=0)
    """Between DISCONNECTED and COMPLETED of a contact that an agent had."""

    is_open: bool = True
    """What CheckHoursOfOperation finds."""
    is_staffed: bool = True
    """What CheckMetricData finds; without staff nobody joins by itself."""
    queue_capacity: int | None = Field(default=None, ge=0)
    """How many may wait before TransferContactToQueue takes its QueueAtCapacity branch."""
    concurrent_chats: int = Field(default=500, ge=0)
    """Active chats per instance, silent ones too (service quota)."""

    connect_within_s: float = Field(default=300, gt=0)
    websocket_open_within_s: float = Field(default=100, gt=0)
    websocket_life_s: float = Field(default=3_600, gt=0)
    websockets_per_participant: int = Field(default=5, ge=1)
    bot_connect_within_s: float = Field(default=15, gt=0)
    connection_token_life_s: float = Field(default=86_400, gt=0)
    client_token_life_s: float = Field(default=604_800, gt=0)
    """7 days are documented for outbound contacts only; chats say nothing."""
    replay_brings_participant_token: bool = True
    """Whether a repeated StartChatContact answers with the ParticipantToken; undocumented."""
    participant_tokens_refused: bool = False
    past_transcript_after_s: float = Field(default=30, ge=0)
    """How long after its end a chat can be continued (30-60 s in the administrator guide)."""

    text_max_chars: int | None = Field(default=None, ge=1)
    """Some SDK releases' text says 1,024 for text/plain, the model says 16,384 for all types."""
    stream_receipts: bool = True
    """Whether MESSAGEMETADATA items reach SNS; unverified."""
    attachment_scan: Literal["none", "approve", "reject"] = "none"
    attachment_scan_ms: int = Field(default=200, ge=0)
    attachment_max_bytes: int = Field(default=20 * 1024 * 1024, ge=1)
    attachments_per_chat: int = Field(default=35, ge=0)
