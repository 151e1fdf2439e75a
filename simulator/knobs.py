"""Settings that a test turns while the simulator runs, in sections that each service adds to."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

SectionT = TypeVar("SectionT", bound="KnobSection")


class KnobSection(BaseModel):
    """A group of knobs; unknown names and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PublicationKnobs(KnobSection):
    """What happens to the messages of one kind on their way out. Shares are 0 to 1.

    `duplicate` and `reorder` touch deliveries that SNS has already stamped, so with either above
    zero the simulator plays SNS for that kind: it stamps the envelope and puts it on the
    subscribed SQS queues itself. `republish` is the source saying the same thing twice.
    """

    delay_ms: int = Field(default=0, ge=0)
    lose: float = Field(default=0.0, ge=0, le=1)
    republish: float = Field(default=0.0, ge=0, le=1)
    duplicate: float = Field(default=0.0, ge=0, le=1)
    reorder: float = Field(default=0.0, ge=0, le=1)
    reorder_by_ms: int = Field(default=250, ge=0)

    @property
    def plays_sns(self) -> bool:
        """Whether deliveries are stamped here instead of by SNS."""
        return self.duplicate > 0 or self.reorder > 0


class ApiKnobs(KnobSection):
    """What happens to requests of one operation, by chance. Shares are 0 to 1."""

    throttle: float = Field(default=0.0, ge=0, le=1)
    error_500: float = Field(default=0.0, ge=0, le=1)
    error_503: float = Field(default=0.0, ge=0, le=1)
    error_500_after_doing: float = Field(default=0.0, ge=0, le=1)
    drop_after_doing: float = Field(default=0.0, ge=0, le=1)
    delay_before_ms: int = Field(default=0, ge=0)
    delay_after_ms: int = Field(default=0, ge=0)


class FrameKnobs(KnobSection):
    """The knobs that hold for every service.

    `api` is keyed by `service.Operation`, `service.*` or `*`; the most exact one counts.
    `publications` is keyed by kind: inbound_sms, receipt, chat, contact_event,
    contact_record, email_event.
    """

    rates: bool = False
    api: dict[str, ApiKnobs] = Field(default_factory=dict)
    publications: dict[str, PublicationKnobs] = Field(default_factory=dict)


class Knobs:
    """All sections by name. A section is replaced as a whole, never changed in place."""

    def __init__(self) -> None:
        self.frame = FrameKnobs()
        self._sections: dict[str, KnobSection] = {}

    def register(self, name: str, section: KnobSection) -> None:
        """Add a service's section with its defaults.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._sections or name in FrameKnobs.model_fields:
            raise ValueError(f"knob section {name} exists")
        self._sections[name] = section

    def of(self, kind: type[SectionT]) -> SectionT:
        """The section of that class, as it stands now.

        Raises:
            KeyError: no such section was registered.
        """
        for section in self._sections.values():
            if isinstance(section, kind):
                return section
        raise KeyError(kind.__name__)

    def api(self, service: str, operation: str) -> ApiKnobs:
        """The API knobs that hold for one operation."""
        api = self.frame.api
        for key in (f"{service}.{operation}", f"{service}.*", "*"):
            if key in api:
                return api[key]
        return ApiKnobs()

    def publication(self, kind: str) -> PublicationKnobs:
        """The knobs for one kind of publication."""
        return self.frame.publications.get(kind, PublicationKnobs())

    def as_json(self) -> dict[str, Any]:
        """Every knob as it stands."""
        sections = {name: s.model_dump(mode="json") for name, s in self._sections.items()}
        return self.frame.model_dump(mode="json") | sections

    def put(self, document: dict[str, Any]) -> None:
        """Replace the top-level keys that `document` names; the others stay.

        Raises:
            pydantic.ValidationError, KeyError: nothing was changed.
        """
        frame = {k: document[k] for k in document.keys() & FrameKnobs.model_fields.keys()}
        named = document.keys() - FrameKnobs.model_fields.keys()
        unknown = named - self._sections.keys()
        if unknown:
            raise KeyError(f"no knobs called {', '.join(sorted(unknown))}")
        # What a section's document leaves out falls back to the default, so that a PUT of what
        # GET showed, with one value changed, does what it looks like.
        sections = {
            name: type(self._sections[name]).model_validate(document[name]) for name in named
        }
        self.frame = FrameKnobs.model_validate(self.frame.model_dump() | frame)
        self._sections |= sections

    def reset(self) -> None:
        """Put every knob back to its default."""
        self.frame = FrameKnobs()
        self._sections = {name: type(section)() for name, section in self._sections.items()}
