"""`[profiles]`: which customers' profiles are written, how they are found, and what goes where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from workers.brands import Named, Value


class PersonKey(StrEnum):
    """What a customer can be known by."""

    CUSTOMER_ID = "customer_id"
    PHONE = "phone"
    EMAIL = "email"


class ObjectKind(StrEnum):
    """What is written of a person: one profile object each."""

    ENGAGEMENT = "engagement"
    OFFERS = "offers"
    PATHS = "paths"
    ADDRESSES = "addresses"
    REMINDER = "reminder"


_PERSON: Final = ("profile_id", "customer_id", "phone", "email")
_CHANNELS: Final = ("email", "sms", "voice")
_COUNTS: Final = ("sent", "delivered", "opened", "clicked", "replied", "last_at", "score")
_ADDRESS: Final = ("address", "state", "cause", "words", "since", "until")
_OFFER: Final = ("name", "offered_at", "viewed", "viewed_at")
_STEP: Final = ("kind", "id", "activity", "treatment", "status", "at")

FIELDS: Final[Mapping[ObjectKind, frozenset[str]]] = {
    kind: frozenset((*_PERSON, *paths))
    for kind, paths in {
        ObjectKind.ENGAGEMENT: [f"{channel}.{name}" for channel in _CHANNELS for name in _COUNTS],
        ObjectKind.OFFERS: ["all", *(f"last.{name}" for name in _OFFER)],
        ObjectKind.PATHS: ["all", *(f"last.{name}" for name in _STEP)],
        ObjectKind.ADDRESSES: [
            "all",
            *(f"{channel}.{name}" for channel in _CHANNELS for name in _ADDRESS),
        ],
        ObjectKind.REMINDER: ["id", "at", "result", "attempt"],
    }.items()
}
"""Every field of an object by our own path, as `[profiles.objects.<kind>.fields]` may name it."""

TypeName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z_0-9-]{0,254}$")]
KeyName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
FieldPath = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,4})?$")
]


class ObjectMapping(Value):
    """One kind of object: the object type that it is put as, and the names of its fields there."""

    type: TypeName = Field(description="The profile object type, one of your own or a shipped one")
    fields: dict[str, FieldPath] = Field(
        default_factory=dict,
        description="Our field = your field, with dots for what is nested. A field that is not"
        ' named keeps our name; "" leaves it out',
    )


class ObjectMappings(Value):
    """One mapping for each kind of object. What has none is not written."""

    engagement: ObjectMapping | None = Field(
        default=ObjectMapping(type="switchboard-engagement"),
        description="Counts, last time and score of each channel",
    )
    offers: ObjectMapping | None = Field(
        default=ObjectMapping(type="switchboard-offers"),
        description="Offers, and whether they were viewed",
    )
    paths: ObjectMapping | None = Field(
        default=ObjectMapping(type="switchboard-paths"),
        description="Campaigns and journeys, and how far they went",
    )
    addresses: ObjectMapping | None = Field(
        default=ObjectMapping(type="switchboard-addresses"),
        description="Whether each address is valid, and why not",
    )
    reminder: ObjectMapping | None = Field(
        default=ObjectMapping(type="switchboard-reminder"),
        description="The last reminder and its result",
    )
    skip: tuple[ObjectKind, ...] = Field(default=(), description="Kinds that are not to be written")

    @model_validator(mode="after")
    def _know_their_fields(self) -> Self:
        for kind in ObjectKind:
            mapping = self.named(kind)
            unknown = sorted(set(mapping.fields) - FIELDS[kind]) if mapping else []
            if unknown:
                known = ", ".join(sorted(FIELDS[kind]))
                raise ValueError(f"{kind}.fields: no field {unknown[0]}; there are {known}")
        return self

    def named(self, kind: ObjectKind) -> ObjectMapping | None:
        """The mapping of a kind that is to be written."""
        if kind in self.skip:
            return None
        found: ObjectMapping | None = getattr(self, kind.value)
        return found


class KeyNames(Value):
    """What the domain calls the keys that customers are searched by."""

    customer_id: KeyName = Field(default="_account", description="The key of customer ids")
    phone: KeyName = Field(default="_phone", description="The key of numbers in E.164")
    email: KeyName = Field(default="_email", description="The key of mail addresses")


class ScoreWeights(Value):
    """What one message adds to its channel's score, at its time."""

    opened: int = Field(default=1, ge=0, le=100, description="Once it was opened")
    clicked: int = Field(default=3, ge=0, le=100, description="Once a link was followed")
    replied: int = Field(default=5, ge=0, le=100, description="Once it was answered")


class ProfileRules(Value):
    """Which domain is written to, how customers are found in it, and what goes where."""

    domain: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{0,64}$")] = Field(
        default="",
        description="The domain of Amazon Connect Customer Profiles. Empty: no profiles are"
        " written",
    )
    search_keys: tuple[PersonKey, ...] = Field(
        default=(PersonKey.CUSTOMER_ID, PersonKey.PHONE, PersonKey.EMAIL),
        min_length=1,
        description="What a customer is searched by, the first that finds one profile wins",
    )
    key_names: KeyNames = Field(
        default=KeyNames(), description="What the domain calls the keys of customers"
    )
    create: bool = Field(
        default=False,
        description="Make a profile for whom no search finds",
    )
    several: Literal["skip", "dead_letter"] = Field(
        default="skip",
        description="An event whose customer could be several profiles is counted and let go, or"
        " goes to the dead-letter queue, to be redriven once they are merged",
    )
    known_for_min: int = Field(
        default=1_440,
        ge=5,
        le=43_200,
        description="How long it is remembered whose profile a key finds, before it is searched"
        " again",
    )
    window_s: int = Field(
        default=15,
        ge=0,
        le=300,
        description="What becomes known of a person within this time is written at once. 0: each"
        " event by itself",
    )
    count_replies: bool = Field(
        default=True,
        description="Count texts that answer one of ours. It costs each text of a conversation a"
        " read and a write of the person's record",
    )
    half_life_days: int = Field(
        default=30,
        ge=1,
        le=3_650,
        description="After so long an opened mail counts half as much in the score",
    )
    weights: ScoreWeights = Field(
        default=ScoreWeights(), description="What a message adds to the score"
    )
    offer_window_h: int = Field(
        default=72,
        ge=0,
        le=8_760,
        description="After so long an offer that was not viewed is written as such; a later view"
        " corrects it. 0: never",
    )
    offer_tag: Named = Field(
        default="offer", description="The SES message tag, or Pinpoint attribute, of the offer"
    )
    campaign_tag: Named = Field(default="campaign", description="The SES tag of a campaign's id")
    journey_tag: Named = Field(default="journey", description="The SES tag of a journey's id")
    activity_tag: Named = Field(default="activity", description="The SES tag of the activity in it")
    treatment_tag: Named = Field(default="treatment", description="The SES tag of the treatment")
    record_days: int = Field(
        default=400,
        ge=30,
        le=3_650,
        description="How long what is known of a person is kept after the last event",
    )
    objects: ObjectMappings = Field(
        default=ObjectMappings(), description="What is written, as which object types"
    )

    @field_validator("search_keys")
    @classmethod
    def _are_different(cls, keys: tuple[PersonKey, ...]) -> tuple[PersonKey, ...]:
        if len(set(keys)) != len(keys):
            raise ValueError("the same key twice")
        return keys

    @property
    def is_on(self) -> bool:
        """Whether profiles are written at all."""
        return bool(self.domain)

    def key_name(self, key: PersonKey) -> str:
        """What the domain calls a key."""
        name: str = getattr(self.key_names, key.value)
        return name
