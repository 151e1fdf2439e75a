from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import botocore.session
import pytest
from aiohttp.client_reqrep import ConnectionKey
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from workers.clients.errors import CONNECT, PARTICIPANT, S3, SES, SMS, translate
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

NUMBER = "+15550100123"


def refusal(code: str, status: int, **fields: str) -> aws.ClientError:
    """An error answer as botocore makes it; its message quotes what the customer wrote."""
    response: Any = {
        "Error": {"Code": code, "Message": f"{NUMBER} wrote secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **fields,
    }
    return aws.ClientError(response, "Anything")


SEND = "SendTextMessage"
START = "StartChatContact"
DIAL = "StartOutboundVoiceContact"


def quota(reason: str) -> aws.ClientError:
    return refusal("ServiceQuotaExceededException", 400, Reason=reason)


def conflict(reason: str) -> aws.ClientError:
    return refusal("ConflictException", 400, Reason=reason)


def invalid(reason: str) -> aws.ClientError:
    return refusal("ValidationException", 400, Reason=reason)


def missing(resource: str) -> aws.ClientError:
    return refusal("ResourceNotFoundException", 400, ResourceType=resource)


Row = tuple[str, str, aws.ClientError, type[SwitchboardError], str]
ROWS: Sequence[Row] = (
    # End User Messaging
    (SMS, SEND, refusal("ThrottlingException", 400), Throttled, "throttled"),
    (SMS, SEND, refusal("429", 429), Throttled, "throttled"),
    (SMS, SEND, conflict("DESTINATION_PHONE_NUMBER_OPTED_OUT"), OptedOut, "opted_out"),
    (
        SMS,
        SEND,
        conflict("DESTINATION_PHONE_NUMBER_NOT_VERIFIED"),
        AccountProblem,
        "destination_phone_number_not_verified",
    ),
    (SMS, SEND, conflict("RESOURCE_NOT_ACTIVE"), AccountProblem, "resource_not_active"),
    (
        SMS,
        SEND,
        conflict("NO_ORIGINATION_IDENTITIES_FOUND"),
        AccountProblem,
        "no_origination_identities_found",
    ),
    (
        SMS,
        SEND,
        conflict("DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"),
        PermanentError,
        "destination_country_blocked_by_protect_configuration",
    ),
    (SMS, SEND, quota("MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"), QuotaFull, "monthly_spend_limit"),
    (SMS, SEND, quota("MONTHLY_SPEND_LIMIT_REACHED_FOR_MEDIA"), QuotaFull, "monthly_spend_limit"),
    (
        SMS,
        SEND,
        quota("DAILY_DESTINATION_CALL_LIMIT"),
        PermanentError,
        "daily_destination_call_limit",
    ),
    (SMS, SEND, refusal("ServiceQuotaExceededException", 400), QuotaFull, "service_quota"),
    (SMS, SEND, invalid("INVALID_PARAMETER"), PermanentError, "invalid_parameter"),
    (SMS, SEND, refusal("ValidationException", 400), PermanentError, "validation"),
    (SMS, SEND, invalid(f"{NUMBER} is bad"), PermanentError, "validation"),
    (SMS, SEND, refusal("AccessDeniedException", 400), AccountProblem, "access_denied"),
    (
        SMS,
        SEND,
        refusal("AccessDeniedException", 400, Reason="ACCOUNT_DISABLED"),
        AccountProblem,
        "account_disabled",
    ),
    (SMS, SEND, missing("configuration-set"), AccountProblem, "configuration_set_not_found"),
    (SMS, SEND, refusal("InternalServerException", 500), InDoubt, "server_error"),
    (SMS, SEND, refusal("503", 503), InDoubt, "server_error"),
    (SMS, SEND, refusal("400", 400), InDoubt, "unreadable_answer"),
    (SMS, SEND, refusal("302", 302), InDoubt, "unreadable_answer"),
    (SMS, SEND, refusal("Unknown", 200), InDoubt, "unreadable_answer"),
    (SMS, SEND, refusal("ExpiredTokenException", 400), TransientError, "credentials_expired"),
    (
        SMS,
        SEND,
        refusal("UnrecognizedClientException", 400),
        AccountProblem,
        "unrecognized_client",
    ),
    (SMS, "PutOptedOutNumber", refusal("500", 500), TransientError, "server_error"),
    (SMS, "PutOptedOutNumber", missing("opt-out-list"), AccountProblem, "opt_out_list_not_found"),
    (
        SMS,
        "DeleteOptedOutNumber",
        missing("opted-out-number"),
        PermanentError,
        "not_on_the_opt_out_list",
    ),
    (
        SMS,
        "DeleteOptedOutNumber",
        refusal("ResourceNotFoundException", 400),
        PermanentError,
        "not_on_the_opt_out_list",
    ),
    (
        SMS,
        "DeleteOptedOutNumber",
        missing("opt-out-list"),
        AccountProblem,
        "opt_out_list_not_found",
    ),
    (
        SMS,
        "DeleteOptedOutNumber",
        invalid("PHONE_NUMBER_CANNOT_BE_OPTED_IN"),
        PermanentError,
        "phone_number_cannot_be_opted_in",
    ),
    # Participant service
    (
        PARTICIPANT,
        "SendMessage",
        refusal("AccessDeniedException", 403),
        TokenRefused,
        "token_refused",
    ),
    (PARTICIPANT, "SendMessage", refusal("403", 403), TokenRefused, "token_refused"),
    (PARTICIPANT, "SendMessage", refusal("ThrottlingException", 429), Throttled, "throttled"),
    (PARTICIPANT, "SendMessage", refusal("ValidationException", 400), PermanentError, "validation"),
    (
        PARTICIPANT,
        "SendMessage",
        refusal("InternalServerException", 500),
        TransientError,
        "server_error",
    ),
    (PARTICIPANT, "SendEvent", refusal("ConflictException", 409), PermanentError, "conflict"),
    (
        PARTICIPANT,
        "GetAttachment",
        refusal("ServiceQuotaExceededException", 402),
        QuotaFull,
        "service_quota",
    ),
    # Connect
    (CONNECT, START, refusal("LimitExceededException", 429), QuotaFull, "concurrent_chats"),
    (CONNECT, START, refusal("ServiceQuotaExceededException", 402), QuotaFull, "service_quota"),
    (CONNECT, START, refusal("TooManyRequestsException", 429), Throttled, "throttled"),
    (CONNECT, START, refusal("ThrottlingException", 429), Throttled, "throttled"),
    (CONNECT, START, refusal("InvalidRequestException", 400), PermanentError, "invalid_request"),
    (
        CONNECT,
        START,
        refusal("InvalidParameterException", 400),
        PermanentError,
        "invalid_parameter",
    ),
    (
        CONNECT,
        START,
        refusal("ResourceNotFoundException", 404),
        AccountProblem,
        "flow_or_instance_not_found",
    ),
    (
        CONNECT,
        DIAL,
        refusal("ResourceNotFoundException", 404),
        AccountProblem,
        "flow_or_instance_not_found",
    ),
    (CONNECT, DIAL, refusal("LimitExceededException", 429), QuotaFull, "concurrent_calls"),
    (
        CONNECT,
        DIAL,
        refusal("DestinationNotAllowedException", 403),
        PermanentError,
        "destination_not_allowed",
    ),
    (
        CONNECT,
        DIAL,
        refusal("OutboundContactNotPermittedException", 403),
        AccountProblem,
        "outbound_not_permitted",
    ),
    (CONNECT, START, refusal("InternalServiceException", 500), TransientError, "server_error"),
    (CONNECT, START, refusal("AccessDeniedException", 403), AccountProblem, "access_denied"),
    (CONNECT, START, refusal("403", 403), AccountProblem, "access_denied"),
    (CONNECT, START, refusal("408", 408), TransientError, "server_error"),
    (CONNECT, START, refusal("400", 400), PermanentError, "refused"),
    (CONNECT, START, refusal("Unknown", 200), TransientError, "unreadable_answer"),
    (
        CONNECT,
        "StartContactStreaming",
        refusal("LimitExceededException", 429),
        Throttled,
        "throttled",
    ),
    (
        CONNECT,
        "StartContactStreaming",
        refusal("ResourceNotFoundException", 404),
        ContactEnded,
        "contact_not_found",
    ),
    (
        CONNECT,
        "StopContact",
        refusal("ContactNotFoundException", 410),
        ContactEnded,
        "contact_not_found",
    ),
    (
        CONNECT,
        "StopContact",
        refusal("InvalidActiveRegionException", 400),
        AccountProblem,
        "invalid_active_region",
    ),
    # SES
    (
        SES,
        "DeleteSuppressedDestination",
        refusal("NotFoundException", 404),
        PermanentError,
        "not_suppressed",
    ),
    (
        SES,
        "PutSuppressedDestination",
        refusal("BadRequestException", 400),
        PermanentError,
        "bad_request",
    ),
    (
        SES,
        "PutSuppressedDestination",
        refusal("TooManyRequestsException", 429),
        Throttled,
        "throttled",
    ),
    # S3
    (S3, "PutObject", refusal("SlowDown", 503), Throttled, "throttled"),
    (S3, "PutObject", refusal("NoSuchBucket", 404), AccountProblem, "no_such_bucket"),
    (S3, "PutObject", refusal("AccessDenied", 403), AccountProblem, "access_denied"),
)


@pytest.mark.parametrize(
    ("service", "operation", "failure", "error", "reason"),
    [
        pytest.param(*row, id=f"{row[1]}-{row[2].response['Error']['Code']}-{row[4]}")
        for row in ROWS
    ],
)
def test_aws_answer_becomes_our_error(
    service: str,
    operation: str,
    failure: aws.ClientError,
    error: type[SwitchboardError],
    reason: str,
) -> None:
    ours = translate(service, operation, failure, is_repeatable=operation != SEND)
    assert type(ours) is error
    assert getattr(ours, "reason", None) == reason
    assert NUMBER not in str(ours)


@pytest.mark.parametrize("operation", ["SendTextMessage", "SendMediaMessage"])
def test_every_error_in_the_send_models_has_a_meaning(operation: str) -> None:
    """A new botocore may bring new errors: each modelled one is refused, waited for or in doubt."""
    model = botocore.session.get_session().get_service_model(SMS).operation_model(operation)
    for shape in model.error_shapes:
        status = 500 if shape.name == "InternalServerException" else 400
        ours = translate(SMS, operation, refusal(shape.name, status), is_repeatable=False)
        assert isinstance(ours, InDoubt) is (status == 500), shape.name


KEY = ConnectionKey("h", 443, True, True, None, None, None)
UNREACHABLE = aiohttp.ClientConnectorError(KEY, OSError(111, "refused"))
URL = f"https://x.example/{NUMBER}"


@pytest.mark.parametrize(
    ("failure", "reason", "is_unsent"),
    [
        (aws.EndpointConnectionError(endpoint_url=URL, error=UNREACHABLE), "connect_failed", True),
        (aws.ConnectTimeoutError(endpoint_url=URL), "connect_timeout", True),
        (aws.SSLError(endpoint_url=URL, error=OSError("tls")), "tls_failed", True),
        (aws.ProxyConnectionError(proxy_url=URL), "proxy_failed", True),
        (aws.NoCredentialsError(), "no_credentials", True),
        (aws.CredentialRetrievalError(provider="x", error_msg=NUMBER), "no_credentials", True),
        (
            aws.EndpointConnectionError(
                endpoint_url=URL, error=aiohttp.ClientOSError(104, "reset")
            ),
            "connection_cut",
            False,
        ),
        (aws.ReadTimeoutError(endpoint_url=URL), "read_timeout", False),
        (aws.ConnectionClosedError(endpoint_url=URL), "connection_cut", False),
        (aws.HTTPClientError(error=NUMBER), "unreadable_answer", False),
        (ResponseParserError(NUMBER), "unreadable_answer", False),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, NUMBER), "unreadable_answer", False),
        (TimeoutError(), "timeout", False),
        (aiohttp.ClientPayloadError(NUMBER), "connection_cut", False),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_only_what_surely_was_not_sent_may_be_sent_again(
    failure: Exception, reason: str, is_unsent: bool
) -> None:
    sent = translate(SMS, SEND, failure, is_repeatable=False)
    assert type(sent) is (TransientError if is_unsent else InDoubt)
    assert getattr(sent, "reason", None) == reason
    repeatable = translate(CONNECT, START, failure, is_repeatable=True)
    assert type(repeatable) is TransientError
    assert NUMBER not in f"{sent!s}{repeatable!s}"


def test_a_request_that_botocore_refuses_never_left() -> None:
    failure = aws.ParamValidationError(report=f"Invalid length for {NUMBER}")
    for is_repeatable in (True, False):
        ours = translate(SMS, SEND, failure, is_repeatable=is_repeatable)
        assert type(ours) is PermanentError
        assert str(ours) == "invalid_request"


def test_a_surprise_is_in_doubt_for_a_send_and_a_bug_elsewhere() -> None:
    surprise = translate(SMS, SEND, AttributeError("x"), is_repeatable=False)
    assert isinstance(surprise, InDoubt)
    assert translate(CONNECT, START, AttributeError("x"), is_repeatable=True) is None


def test_an_unknown_failure_of_the_sdk_is_tried_again_where_it_may_be() -> None:
    ours = translate(CONNECT, START, aws.InvalidRegionError(region_name="x"), is_repeatable=True)
    assert type(ours) is TransientError
    assert str(ours) == "client_failed"
