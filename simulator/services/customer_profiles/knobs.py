"""The knobs of Customer Profiles; their section is called `customer_profiles`."""

from __future__ import annotations

from pydantic import Field

from simulator.knobs import KnobSection


class CustomerProfilesKnobs(KnobSection):
    """How late the service is, and how much fits. Limits are the documented ones."""

    search_lag_ms: int = Field(default=0, ge=0)
    """How long SearchProfiles still shows what was there before a change."""
    ingest_after_ms: int = Field(default=0, ge=0)
    """Between the answer to PutProfileObject and the object's arrival on a profile."""
    merge_after_ms: int = Field(default=0, ge=0)
    """MergeProfiles runs a job: when it is done."""
    batch_item_failures: float = Field(default=0.0, ge=0, le=1)
    """Share of a BatchPutProfileObject's objects that fail, with code 500, among others that do
    not."""
    objects_per_profile: int = Field(default=1_000, ge=1)
    bytes_per_profile: int = Field(default=50 * 1024 * 1024, ge=1)
    object_types_per_domain: int = Field(default=100, ge=1)
    keys_per_object_type: int = Field(default=10, ge=1)
