"""What an AWS failure means to us: one table, first match wins.

Our errors carry a stable reason of lower-case words and never AWS's own sentence, which may quote
a number or a body. Whether a request surely was not sent is decided here too, because a text has
no idempotency token: only then may it be tried again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientConnectorError
from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from workers.errors import (
    AccountProblem,
    ContactEnded,
    InDoubt,
    OptedOut,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TokenRefused,
    TransientError,
)

CONNECT: Final = "connect"
PARTICIPANT: Final = "connectparticipant"
SMS: Final = "pinpoint-sms-voice-v2"
S3: Final = "s3"
SES: Final = "sesv2"
SCHEDULER: Final = "scheduler"
EVENTS: Final = "events"
PROFILES: Final = "customer-profiles"

NOT_ON_THE_LIST: Final = "not_on_the_opt_out_list"
NO_SUCH_KEY: Final = "no_such_key"
NOT_SUPPRESSED: Final = "not_suppressed"
SCHEDULE_EXISTS: Final = "schedule_exists"
SPEND_LIMIT: Final = "monthly_spend_limit"


@dataclass(frozen=True, slots=True)
class Answer:
    """The part of an AWS error answer that tells what to do: no text that people wrote."""

    service: str
    operation: str
    status: int
    code: str
    reason: str = ""

    @property
    def is_readable(self) -> bool:
        """The service itself answered: botocore puts the status where no error code was found."""
        return bool(self.code) and not self.code.isdigit() and self.code != "Unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: `error` is raised with `reason` when all fields that are set match.

    A `reason` of None takes AWS's own reason word, lowered, else the error code in words.
    """

    error: type[SwitchboardError]
    reason: str | None = None
    service: str = ""
    operation: str = ""
    code: str = ""
    why: str = ""
    status: str = ""

    def matches(self, answer: Answer) -> bool:
        """Whether every field that is set, a regular expression, fits the whole value."""
        pairs = (
            (self.service, answer.service),
            (self.operation, answer.operation),
            (self.code, answer.code),
            (self.why, answer.reason),
            (self.status, str(answer.status)),
        )
        return all(not pattern or re.fullmatch(pattern, value) for pattern, value in pairs)


_THROTTLES = "Throttling(Exception)?|ThrottledException|TooManyRequestsException|RequestThrottled"
_ACCOUNT_CODES = (
    "AccessDenied(Exception)?|UnauthorizedOperation|UnrecognizedClientException|InvalidClientTokenId"
    "|InvalidSignatureException|SignatureDoesNotMatch|IncompleteSignature(Exception)?"
    "|MissingAuthenticationToken(Exception)?|OptInRequired|InvalidAccessKeyId"
    "|RequestTimeTooSkewed|RequestExpired|NotAuthorized"
)
_ACCOUNT_CONFLICTS = (
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED|NO_ORIGINATION_IDENTITIES_FOUND"
    "|NUMBER_CAPABILITIES_MISMATCH|MESSAGE_TYPE_MISMATCH|RESOURCE_NOT_ACTIVE"
)

RULES: Final[tuple[Rule, ...]] = (
    # End User Messaging. Every client error is HTTP 400; its Reason tells them apart.
    Rule(Throttled, "throttled", service=SMS, code=_THROTTLES),
    Rule(
        OptedOut,
        "opted_out",
        service=SMS,
        code="ConflictException",
        why="DESTINATION_PHONE_NUMBER_OPTED_OUT",
    ),
    Rule(AccountProblem, service=SMS, code="ConflictException", why=_ACCOUNT_CONFLICTS),
    Rule(
        QuotaFull,
        SPEND_LIMIT,
        service=SMS,
        code="ServiceQuotaExceededException",
        why="MONTHLY_SPEND_LIMIT_REACHED_FOR_.*",
    ),
    Rule(QuotaFull, "service_quota", service=SMS, code="ServiceQuotaExceededException", why="$"),
    Rule(PermanentError, service=SMS, code="ServiceQuotaExceededException"),
    Rule(
        PermanentError,
        NOT_ON_THE_LIST,
        service=SMS,
        operation="DeleteOptedOutNumber",
        code="ResourceNotFoundException",
        why="opted-out-number_not_found|^$",
    ),
    Rule(AccountProblem, service=SMS, code="AccessDeniedException|ResourceNotFoundException"),
    Rule(PermanentError, service=SMS, code="ConflictException|ValidationException"),
    # Participant service. An expired token and an ended chat look alike.
    Rule(TokenRefused, "token_refused", service=PARTICIPANT, status="403"),
    Rule(QuotaFull, "service_quota", service=PARTICIPANT, status="402"),
    # Connect. Concurrent chats are a quota, not a rate, although both are 429.
    Rule(
        QuotaFull,
        "concurrent_chats",
        service=CONNECT,
        operation="StartChatContact",
        code="LimitExceededException",
    ),
    Rule(QuotaFull, "service_quota", service=CONNECT, status="402"),
    Rule(
        AccountProblem,
        "flow_or_instance_not_found",
        service=CONNECT,
        operation="StartChatContact|StartOutboundVoiceContact",
        code="ResourceNotFoundException",
    ),
    # A country that AWS has not allowed is this callee's matter, not everybody's.
    Rule(
        PermanentError,
        "destination_not_allowed",
        service=CONNECT,
        code="DestinationNotAllowedException",
    ),
    Rule(
        AccountProblem,
        "outbound_not_permitted",
        service=CONNECT,
        code="OutboundContactNotPermittedException",
    ),
    Rule(
        QuotaFull,
        "concurrent_calls",
        service=CONNECT,
        operation="StartOutboundVoiceContact",
        code="LimitExceededException",
    ),
    Rule(ContactEnded, "contact_not_found", service=CONNECT, code="ContactNotFoundException"),
    Rule(ContactEnded, "contact_not_found", service=CONNECT, code="ResourceNotFoundException"),
    Rule(AccountProblem, service=CONNECT, code="InvalidActiveRegionException"),
    # S3.
    Rule(Throttled, "throttled", service=S3, code="SlowDown"),
    Rule(AccountProblem, service=S3, code="NoSuchBucket|AllAccessDisabled|KMS.*"),
    Rule(PermanentError, NO_SUCH_KEY, service=S3, code="NoSuchKey"),
    # SES. An address that its list does not take is an input; a missing list never happens.
    Rule(PermanentError, NOT_SUPPRESSED, service=SES, code="NotFoundException"),
    # Scheduler. The group is part of the deployment, so one that is not there is nobody's input.
    Rule(PermanentError, SCHEDULE_EXISTS, service=SCHEDULER, code="ConflictException"),
    Rule(AccountProblem, "no_schedule_group", service=SCHEDULER, code="ResourceNotFoundException"),
    Rule(QuotaFull, "service_quota", service=SCHEDULER, code="ServiceQuotaExceededException"),
    # Customer Profiles. What is not found is the domain or the object type: no input of a message.
    Rule(
        AccountProblem,
        "domain_or_object_type_not_found",
        service=PROFILES,
        code="ResourceNotFoundException",
    ),
    Rule(PermanentError, "profile_request_refused", service=PROFILES, code="BadRequestException"),
    # Every service.
    Rule(
        TransientError, "credentials_expired", code="ExpiredToken(Exception)?|TokenRefreshRequired"
    ),
    Rule(AccountProblem, code=_ACCOUNT_CODES),
    Rule(Throttled, "throttled", code=_THROTTLES),
    Rule(Throttled, "throttled", status="429"),
    Rule(AccountProblem, "access_denied", status="403"),
    Rule(TransientError, "server_error", status="5..|408"),
    Rule(TransientError, "unreadable_answer", status="[0-3].*"),
    Rule(PermanentError),
)

# Botocore's exceptions in which no byte of the request left this machine.
_UNSENT: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ConnectTimeoutError, "connect_timeout"),
    (SSLError, "tls_failed"),
    (ProxyConnectionError, "proxy_failed"),
    (NoCredentialsError, "no_credentials"),
    (PartialCredentialsError, "no_credentials"),
    (CredentialRetrievalError, "no_credentials"),
)
# Those in which it may have arrived.
_CUT: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ReadTimeoutError, "read_timeout"),
    (ConnectionClosedError, "connection_cut"),
    (EndpointConnectionError, "connection_cut"),
    (HTTPClientError, "unreadable_answer"),
    (ResponseParserError, "unreadable_answer"),
    (TimeoutError, "timeout"),
    (HttpError, "connection_cut"),
    (UnicodeDecodeError, "unreadable_answer"),
)


def translate(
    service: str, operation: str, failure: Exception, *, is_repeatable: bool
) -> SwitchboardError | None:
    """Our error for what a client call raised; None for what is no failure of a call (a bug).

    `is_repeatable` is False for a send without an idempotency token: what may have been done then
    becomes `InDoubt`, and so does every surprise.
    """
    match failure:
        case SwitchboardError():
            return failure
        case ClientError():
            return _refusal(read_answer(service, operation, failure), is_repeatable=is_repeatable)
        case ParamValidationError():
            return PermanentError("invalid_request", operation=operation)
        case _:
            return _interruption(operation, failure, is_repeatable=is_repeatable)


def is_throttle(parsed: Mapping[str, Any]) -> bool:
    """Whether an answer, as botocore parsed it, refuses for rate."""
    error = parsed.get("Error") or {}
    return re.fullmatch(_THROTTLES, str(error.get("Code", ""))) is not None


def _interruption(
    operation: str, failure: Exception, *, is_repeatable: bool
) -> SwitchboardError | None:
    if reason := _unsent_reason(failure):
        return TransientError(reason)
    reason = next((reason for kind, reason in _CUT if isinstance(failure, kind)), "")
    if not is_repeatable:
        return InDoubt(operation, reason or "unexpected")
    is_known = reason or isinstance(failure, BotoCoreError)
    return TransientError(reason or "client_failed") if is_known else None


def read_answer(service: str, operation: str, failure: ClientError) -> Answer:
    """The shape of an error answer. `Reason` and `ResourceType` stand at its top level."""
    response: Mapping[str, Any] = failure.response
    resource = response.get("ResourceType")
    return Answer(
        service=service,
        operation=operation,
        status=int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)),
        code=str(response.get("Error", {}).get("Code", "")),
        reason=str(response.get("Reason") or (resource and f"{resource}_not_found") or ""),
    )


def _refusal(answer: Answer, *, is_repeatable: bool) -> SwitchboardError:
    if not is_repeatable and answer.status >= 500:
        return InDoubt(answer.operation, "server_error")
    if not is_repeatable and not answer.is_readable and answer.status != 429:
        return InDoubt(answer.operation, "unreadable_answer")
    rule = next(rule for rule in RULES if rule.matches(answer))
    reason = rule.reason or _word(answer.reason) or _word(_spaced(answer.code)) or "refused"
    if issubclass(rule.error, PermanentError):
        return rule.error(reason, operation=answer.operation)
    return rule.error(reason)


def _unsent_reason(failure: Exception) -> str:
    # aiobotocore says EndpointConnectionError both for a connection that was never made and for
    # one that broke while in use; only aiohttp's own exception inside tells which.
    inner = getattr(failure, "kwargs", {}).get("error")
    if isinstance(failure, EndpointConnectionError) and isinstance(inner, ClientConnectorError):
        return "connect_failed"
    return next((reason for kind, reason in _UNSENT if isinstance(failure, kind)), "")


def _spaced(code: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", code.removesuffix("Exception"))


def _word(text: str) -> str:
    """A reason of AWS's own vocabulary, or nothing: no sentence gets through."""
    is_word = re.fullmatch(r"[A-Za-z][A-Za-z_-]{0,79}", text)
    return text.lower().replace("-", "_") if is_word else ""
