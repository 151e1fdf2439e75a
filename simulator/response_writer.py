"""Turns a service's answer into HTTP; refuses one that the real service could not give."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from simulator.ledger import iso
from simulator.wire import AwsError

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-amzn-errortype,x-amzn-requestid",
}
"""Browsers' chat clients call from pages of any origin."""


class ImpossibleAnswerError(Exception):
    """A service answered what its output shape does not allow: a bug of the simulator."""


def write_answer(
    operation: OperationModel, result: Mapping[str, Any], request_id: str
) -> web.Response:
    """The answer to an accepted request.

    Raises:
        ImpossibleAnswerError: the result does not fit the operation's output shape.
    """
    shape = operation.output_shape
    document: dict[str, Any] = {}
    if isinstance(shape, StructureShape):
        unknown = result.keys() - shape.members.keys()
        # GetTranscript's last page has an empty NextToken, against its own model's minimum of 1.
        checked = {name: value for name, value in result.items() if value != ""}
        problems = ParamValidator().validate(checked, shape)
        if unknown or problems.has_errors():
            raise ImpossibleAnswerError(f"{operation.name}: {problems.generate_report()}{unknown}")
        document = _write_structure(result, shape)
    status = int(operation.http.get("responseCode", 200))
    return _respond(operation, document, status, {"x-amzn-RequestId": request_id})


def write_error(operation: OperationModel | None, error: AwsError, request_id: str) -> web.Response:
    """The answer to a refused request, with the type in the header and, for json, in the body."""
    document: dict[str, Any] = {"Message": error.message, **error.fields}
    if operation is not None and operation.service_model.metadata["protocol"] == "json":
        document = {"__type": error.code, **document}
    headers = {"x-amzn-RequestId": request_id, "x-amzn-errortype": error.code}
    return _respond(operation, document, error.status, headers)


def _respond(
    operation: OperationModel | None,
    document: Mapping[str, Any],
    status: int,
    headers: Mapping[str, str],
) -> web.Response:
    is_json_1 = operation is not None and operation.service_model.metadata["protocol"] == "json"
    return web.Response(
        body=json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        status=status,
        headers={**CORS, **headers},
        content_type="application/x-amz-json-1.0" if is_json_1 else "application/json",
    )


def _write(value: Any, shape: Shape) -> Any:
    match shape:
        case StructureShape():
            return _write_structure(value, shape)
        case ListShape():
            return [_write(item, shape.member) for item in value]
        case MapShape():
            return {key: _write(item, shape.value) for key, item in value.items()}
        case _:
            return _write_scalar(value, shape)


def _write_structure(values: Mapping[str, Any], shape: StructureShape) -> dict[str, Any]:
    return {
        member.serialization.get("name", name): _write(values[name], member)
        for name, member in shape.members.items()
        if values.get(name) is not None
    }


def _write_scalar(value: Any, shape: Shape) -> Any:
    if isinstance(value, datetime):
        is_iso = shape.serialization.get("timestampFormat") == "iso8601"
        return iso(value) if is_iso else round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value
