"""How one queue is consumed. Every number has its unit, its bounds and its reason."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_VISIBILITY_S = 43_200
"""SQS: a message may be hidden for 12 hours in all, counted from its receive."""


class ConsumerConfig(BaseModel):
    """The settings of one consumer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: int = Field(
        64, ge=1, le=1000, description="Deliveries in hand at once, waiting in lanes included."
    )
    lane_depth: int = Field(
        16,
        ge=1,
        le=1000,
        description="Deliveries of one key in hand at once; more are given back, so that a busy"
        " key leaves slots to the others.",
    )
    pollers_max: int = Field(
        4, ge=1, le=16, description="Concurrent long polls under a backlog; one when idle."
    )
    wait_s: int = Field(20, ge=0, le=20, description="Seconds a long poll waits for a message.")
    lease_s: int = Field(
        30, ge=10, le=MAX_VISIBILITY_S, description="Visibility timeout in seconds at the receive."
    )
    lease_step_s: int = Field(
        30, ge=10, le=MAX_VISIBILITY_S, description="Visibility timeout in seconds at an extension."
    )
    lease_max_s: int = Field(
        600,
        ge=10,
        le=MAX_VISIBILITY_S,
        description="Seconds from the receive after which a handler is fenced, extended or not.",
    )
    attempts: int = Field(
        5, ge=1, le=1000, description="Counted failures after which a message is dead-lettered."
    )
    max_age_s: int | None = Field(
        None,
        ge=1,
        le=1_209_600,
        description="Seconds since it was sent after which a message is dead-lettered unhandled.",
    )
    backoff_base_s: float = Field(
        2.0, gt=0, le=900, description="Upper bound in seconds of the first backoff; then doubled."
    )
    backoff_cap_s: float = Field(
        300.0, gt=0, le=MAX_VISIBILITY_S, description="Upper bound in seconds of any backoff."
    )
    batch_size: int = Field(
        50,
        ge=1,
        le=1000,
        description="Events that a batch handler gets at most; never more than there are slots.",
    )
    batch_wait_s: float = Field(
        0.2,
        gt=0,
        le=60,
        description="Seconds that the first event of a batch waits for others to come.",
    )
    schedule_after_s: int = Field(
        MAX_VISIBILITY_S,
        ge=1,
        le=MAX_VISIBILITY_S,
        description="A deferral that is longer than so many seconds takes the message off the queue"
        " until then; a shorter one hides it. A hidden message counts as in flight: SQS allows"
        " 120000 a queue.",
    )
    drain_s: float = Field(
        25.0,
        gt=0,
        le=3600,
        description="Seconds from the signal to the exit. ECS kills after 30 unless told.",
    )
    dead_letters_in_a_row: int = Field(
        20,
        ge=1,
        le=100_000,
        description="Dead letters with no success between them that pause the queue.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.lease_max_s < self.lease_s:
            raise ValueError("lease_max_s is shorter than lease_s")
        if self.backoff_cap_s < self.backoff_base_s:
            raise ValueError("backoff_cap_s is smaller than backoff_base_s")
        return self
