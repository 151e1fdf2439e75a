"""Which AWS operations the workers' code calls, and for which tools: read from the code itself.

A call is an attribute of one of the operations' names in Python (`send_text_message`), or such a
name as a text, where a method is chosen by it. The service is that of the client's type, which the
module imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

import botocore.session
from botocore import xform_name

from infra.local.toolroom import ROOT

CLIENT_TYPES = {
    "SQSClient": "sqs",
    "DynamoDBClient": "dynamodb",
    "ConnectClient": "connect",
    "ConnectParticipantClient": "connectparticipant",
    "PinpointSMSVoiceV2Client": "pinpoint-sms-voice-v2",
    "S3Client": "s3",
    "EventBridgeSchedulerClient": "scheduler",
    "KMSClient": "kms",
    "CloudWatch": "cloudwatch",
    "MailSuppressions": "sesv2",
    "EventBus": "events",
    "ProfilesApi": "customer-profiles",
}
NOT_CLIENTS = frozenset({"cipher"})
"""Others that have methods of such a name: AES."""
ADAPTERS = ("workers.clients", "workers.stores", "workers.runtime.sqs", "workers.runtime.lean_sqs")


@dataclass(frozen=True)
class Module:
    """A module that talks to AWS, or that one which does is built on."""

    imports: frozenset[str]
    operations: frozenset[str]
    """As `service:Operation`."""


@dataclass
class Tools:
    """What a function that puts a worker together builds."""

    modules: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)


def operations_of(modules: Iterable[str]) -> set[str]:
    """What these modules call, and those that they are built on."""
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += module(name).imports
    return {operation for name in seen for operation in module(name).operations}


@cache
def module(name: str) -> Module:
    tree = ast.parse((ROOT / name.replace(".", "/")).with_suffix(".py").read_text("utf-8"))
    imported = dict(_imports(tree))
    by_python_name = {
        python: f"{service}:{operation}"
        for kind, service in CLIENT_TYPES.items()
        if kind in imported
        for python, operation in _operations(service).items()
    }
    return Module(
        frozenset(m for m in imported.values() if m.startswith(ADAPTERS) and m != name),
        frozenset(by_python_name[word] for word in _words(tree) if word in by_python_name),
    )


def bootstrap() -> dict[str, Tools]:
    """By the name of each function that puts a worker together (`Fleet.of` too): what it builds."""
    return _built("bootstrap") | _built("tools")


def _built(module_name: str) -> dict[str, Tools]:
    tree = ast.parse((ROOT / "workers" / f"{module_name}.py").read_text("utf-8"))
    imported = dict(_imports(tree))
    built: dict[str, Tools] = {}
    for name, function in _functions(tree):
        tools = built.setdefault(name, Tools())
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and imported.get(node.id, "").startswith(ADAPTERS):
                tools.modules.add(imported[node.id])
            if isinstance(node, ast.Attribute) and node.attr.endswith(("_table", "_bucket")):
                tools.settings.add(node.attr)
    return built


def relays_tool(name: str) -> str:
    """The module of a tool of the relay, as `relay_tools` makes it."""
    tree = ast.parse((ROOT / "workers" / "tools.py").read_text("utf-8"))
    imported = dict(_imports(tree))
    function = dict(_functions(tree))["relay_tools"]
    (value,) = (
        keyword.value
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deps"
        for keyword in node.keywords
        if keyword.arg == name
    )
    return next(
        imported[node.id]
        for node in ast.walk(value)
        if isinstance(node, ast.Name) and imported.get(node.id, "").startswith(ADAPTERS)
    )


def doors_by_event_class() -> dict[str, set[str]]:
    """The doors that hear of each class of event, as the router's table has it."""
    tree = ast.parse((ROOT / "workers" / "routing.py").read_text("utf-8"))
    function = dict(_functions(tree))["Router.__init__"]
    heard: dict[str, set[str]] = {}
    for key, value in _table_entries(function):
        names = {
            node.attr
            for node in ast.walk(value)
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "doors"
        }
        heard.setdefault(key, set()).update(names)
    return heard


def _table_entries(function: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Attribute):
                    yield key.attr, value
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            index = node.targets[0].slice
            if isinstance(index, ast.Attribute):
                yield index.attr, node.value


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported name with its module; a class's module wins over its package's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / inner.replace(".", "/")).with_suffix(".py").is_file()
                yield alias.asname or alias.name, inner if is_module else node.module


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _last(node.value) not in NOT_CLIENTS:
            yield node.attr
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _last(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


@cache
def _operations(service: str) -> dict[str, str]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def methods_used(package: str, tool: str) -> set[str]:
    """What a folder of handlers calls on one of its tools."""
    return {
        node.attr
        for file in sorted((ROOT / "workers" / "handlers" / package).glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and _last(node.value) == tool
    }
