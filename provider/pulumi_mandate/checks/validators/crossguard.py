"""Compliance, in CrossGuard: Pulumi's own policy packs, those written in Python.

Settings: `files` (name → text of every file of the pack; it starts with `__main__.py`), `config`
(policy → table of what it is configured with; `enforcementLevel` overrides its own), `undecided`
("fail" or "warn": what it means that a mandatory policy asks for a value which is secret, or
unknown until the plan runs). The pack is part of the rules file, so its digest is on chain.

It runs in a process of its own and is asked over gRPC, as the engine asks it, about every resource
that the plan leaves there. See docs/adr/0015-crossguard-packs-judge-the-plan.md.
Source: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/analyzer.proto
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.markers import is_marker

from ..validator import Finding, Report
from ._reading import Operation, choice, inputs, only, table, text

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct
    from pulumi.runtime.proto import analyzer_pb2 as api

_START = "__main__.py"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine tells a policy that a text is not known: asking for it ends the policy."""
_UNDECIDED = "can't run policy '"
_REMEDY_ONLY = "Policy does not implement validate"
"""How the SDK begins what it says."""
_LONGEST = 400
"""Characters of what a policy says."""
_ADVISORY, _MANDATORY, _DISABLED, _REMEDIATE = range(4)
_LEVELS = {"advisory": _ADVISORY, "mandatory": _MANDATORY, "disabled": _DISABLED}
_OF_RESOURCES = 1


class CrossGuard:
    """`crossguard` in the rules."""

    id = "crossguard"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "files", "config", "undecided")
        strict = choice(settings, "undecided", "fail", "warn") == "fail"
        config = {name: table(settings["config"], name) for name in table(settings, "config")}
        fail: list[Finding] = []
        warn: list[Finding] = []
        left = [operation for operation in plan["operations"] if operation["after"] is not None]
        by_urn = {operation["urn"]: operation for operation in left}
        with _started(_files(settings)) as pack:
            levels = _configured(pack, config)
            for operation in left:
                answer = pack.Analyze(_request(operation, by_urn))
                _require_judged(answer)
                for told in answer.diagnostics:
                    undecided = told.message.startswith(_UNDECIDED)
                    level = levels.get(told.policyName, _MANDATORY)
                    stops = level != _ADVISORY and (strict or not undecided)
                    finding = _finding(operation["urn"], told.policyName, told.message)
                    (fail if stops else warn).append(finding)
        return Report.of(fail=fail, warn=warn)


def _files(settings: Mapping[str, Any]) -> Mapping[str, str]:
    files = table(settings, "files")
    if _START not in files or not all(map(_NAME.fullmatch, files)):
        raise UsageError(f"the setting `files` holds the pack's files by name, {_START} among them")
    return {name: text(files, name) for name in files}


@contextmanager
def _started(files: Mapping[str, str]) -> Iterator[Any]:
    """The analyzer that the pack offers. Raises `UsageError` where it ends instead, or breaks."""
    import grpc
    from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

    with tempfile.TemporaryDirectory(prefix="mandate-pack-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-u", folder],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            try:
                port = process.stdout.readline().strip() if process.stdout else b""
                if not port.isdigit():
                    raise UsageError("the policy pack does not start; it needs `pulumi_policy`")
                address = f"127.0.0.1:{int(port)}"
                options = [("grpc.enable_http_proxy", 0)]
                with grpc.insecure_channel(address, options=options) as channel:
                    yield AnalyzerStub(channel)
            except grpc.RpcError:
                raise UsageError("the policy pack ended while it was asked") from None
            finally:
                process.kill()


def _configured(pack: Any, config: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How each policy is enforced. Raises `UsageError` where a policy could not judge a plan."""
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto import analyzer_pb2

    info = pack.GetAnalyzerInfo(Empty())
    policies = {policy.name: policy for policy in info.policies}
    if strange := sorted(config.keys() - policies.keys()):
        raise UsageError(f"the policy pack has no policy {strange[0]!a}")
    if info.initialConfig:
        raise UsageError("the policy pack configures itself; that belongs into `config`")
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    levels = {}
    for name, policy in policies.items():
        given = dict(config.get(name, {}))
        levels[name] = _level(policy, given.pop("enforcementLevel", None))
        if levels[name] == _DISABLED:
            given = {}
        elif missing := sorted(set(policy.configSchema.required) - given.keys()):
            raise UsageError(f"the policy {name!a} needs {missing[0]!a} in `config`")
        request.policyConfig[name].enforcementLevel = levels[name]  # type: ignore[assignment]
        request.policyConfig[name].properties.update(given)
    pack.Configure(request)
    return levels


def _level(policy: api.PolicyInfo, chosen: object) -> int:
    if chosen is not None and chosen not in _LEVELS:
        raise UsageError(f"an enforcementLevel is one of {', '.join(_LEVELS)}")
    level = _LEVELS[str(chosen)] if chosen is not None else int(policy.enforcementLevel)
    if level == _REMEDIATE:
        raise UsageError(f"the policy {policy.name!a} changes resources; choose another level")
    if level != _DISABLED and policy.policy_type != _OF_RESOURCES:
        raise UsageError(
            f"the policy {policy.name!a} judges whole stacks, and a plan holds what changes"
        )
    return level


def _require_judged(answer: api.AnalyzeResponse) -> None:
    """Raises `UsageError` for a policy that has nothing to say, because it can only remedy."""
    for one in answer.not_applicable:
        if one.reason.startswith(_REMEDY_ONLY):
            raise UsageError(f"the policy {one.policy_name!a} judges nothing; disable it here")


def _request(operation: Operation, others: Mapping[str, Operation]) -> api.AnalyzeRequest:
    from pulumi.runtime.proto import analyzer_pb2

    options = operation["options"]["after"] or {}
    provider = (operation["provider"]["after"] or {}).get("urn")
    return analyzer_pb2.AnalyzeRequest(
        type=operation["type"],
        urn=operation["urn"],
        name=_name(operation["urn"]),
        properties=_properties(operation),
        provider=analyzer_pb2.AnalyzerProviderResource(
            type=provider.split("::")[2].rpartition("$")[2],
            urn=provider,
            name=_name(provider),
            properties=_properties(others.get(provider)),
        )
        if provider
        else None,
        options=analyzer_pb2.AnalyzerResourceOptions(
            protect=options.get("protect") is True,
            parent=options.get("parent") or "",
            ignoreChanges=options.get("ignoreChanges") or (),
        ),
    )


def _properties(operation: Operation | None) -> Struct:
    from google.protobuf.struct_pb2 import Struct

    properties = Struct()
    properties.update(_plain(inputs(operation, "after")) if operation is not None else {})
    return properties


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _plain(value: Any) -> Any:
    """As the engine tells it; what nobody here can know is unknown to a policy, too."""
    if is_marker(value, "escaped"):
        return {name: _plain(item) for name, item in value["entries"]}
    if is_marker(value):
        return _UNKNOWN
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _finding(urn: str, policy: str, message: str) -> Finding:
    words = " ".join(f"{policy}: {message}".split())
    shown = "".join(char if char.isprintable() else "?" for char in words)
    return Finding(urn, shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")
