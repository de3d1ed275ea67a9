"""Policy packs in CrossGuard's own form, judging a plan's bytes."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.running import run_validators
from pulumi_mandate.checks.validator import Report, Verdict
from pulumi_mandate.checks.validators.crossguard import CrossGuard
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Subject
from pulumi_mandate.plan.markers import escaped, secret, unknown
from tests.gate.cases import SUBJECT, document, operation

# A stand-in for `pulumi_policy` 1.21: what a pack with policies for single resources needs of it.
STAND_IN = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from types import SimpleNamespace
import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as api, analyzer_pb2_grpc as wire, plugin_pb2

EnforcementLevel = IntEnum("EnforcementLevel", "ADVISORY MANDATORY DISABLED REMEDIATE", start=0)

class Unknown(Exception): pass

def checked(value):
    if isinstance(value, dict):
        return Checked((name, checked(item)) for name, item in value.items())
    return value

class Checked(dict):
    def __getitem__(self, name):
        if dict.__getitem__(self, name) == "04da6b54-80e4-46f7-96ec-b56ff0331ba9":
            raise Unknown(name)
        return dict.__getitem__(self, name)
    def get(self, name, default=None):
        return self[name] if name in self else default

class ResourceValidationPolicy:
    kind = 1
    def __init__(self, name, description, validate=None, enforcement_level=1, remediate=None,
                 config_schema=None):
        self.__dict__.update({key: value for key, value in locals().items() if key != "self"})

class StackValidationPolicy(ResourceValidationPolicy):
    kind = 2

class PolicyConfigSchema:
    def __init__(self, properties, required=None):
        self.required = required or []

class PolicyPack(wire.AnalyzerServicer):
    def __init__(self, name, policies, initial_config=None):
        self.policies, self.config, self.initial = policies, {}, initial_config or {}
        self.disabled = set()
        server = grpc.server(ThreadPoolExecutor(1))
        wire.add_AnalyzerServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        sys.stdout.buffer.write(f"{port}\\n".encode())
        time.sleep(600)

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.21.0")

    def Remediate(self, request, context):
        return api.RemediateResponse()

    def AnalyzeStack(self, request, context):
        return api.AnalyzeResponse()

    def GetAnalyzerInfo(self, request, context):
        info = api.AnalyzerInfo(initialConfig={name: api.PolicyConfig() for name in self.initial})
        for policy in self.policies:
            told = info.policies.add(name=policy.name, enforcementLevel=policy.enforcement_level,
                                     policy_type=policy.kind)
            if policy.config_schema:
                told.configSchema.required.extend(policy.config_schema.required)
        return info

    def Configure(self, request, context):
        self.config = {name: json_format.MessageToDict(one.properties)
                       for name, one in request.policyConfig.items()}
        self.disabled = {n for n, one in request.policyConfig.items() if one.enforcementLevel == 2}
        return Empty()

    def Analyze(self, request, context):
        answer = api.AnalyzeResponse()
        plain = json_format.MessageToDict
        args = SimpleNamespace(
            resource_type=request.type, urn=request.urn, name=request.name,
            props=checked(plain(request.properties)), opts=request.options,
            provider=SimpleNamespace(props=plain(request.provider.properties),
                                     resource_type=request.provider.type)
            if request.HasField("provider") else None)
        for policy in self.policies:
            if policy.name in self.disabled:
                continue
            if policy.validate is None:
                answer.not_applicable.add(policy_name=policy.name,
                                          reason="Policy does not implement validate")
                continue
            args.get_config = lambda: self.config.get(policy.name, {})
            def report(message, urn=None):
                answer.diagnostics.add(policyName=policy.name,
                                       message=f"{policy.description}\\n{message}")
            try:
                policy.validate(args, report)
            except Unknown:
                answer.diagnostics.add(policyName=policy.name,
                                       message=f"can't run policy '{policy.name}' during preview")
        return answer
"""
PACK = """
from pulumi_policy import *

def private(args, report):
    if args.resource_type == "test:index:Thing" and args.props.get("acl") == "public-read":
        report(f"{args.name} is open")

def small(args, report):
    if args.props.get("size", 0) > args.get_config()["most"]:
        report("too large")

PolicyPack("ours", [
    ResourceValidationPolicy(name="private", description="Things are private.", validate=private,
                             enforcement_level=EnforcementLevel.MANDATORY),
    ResourceValidationPolicy(name="small", description="Things are small.", validate=small,
                             enforcement_level=EnforcementLevel.ADVISORY,
                             config_schema=PolicyConfigSchema({"most": {}}, ["most"])),
])
"""
ONE = """
from pulumi_policy import *
{code}
PolicyPack("ours", [{policy}], {more})
"""
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
Judge = Callable[..., Report]
REAL = ["pulumi_policy"] if importlib.util.find_spec("pulumi_policy") else []


@pytest.fixture(params=["stand-in", *REAL])
def sdk(request: pytest.FixtureRequest) -> dict[str, str]:
    """Our stand-in beside the pack, and the real one wherever it is installed."""
    return {"pulumi_policy.py": STAND_IN} if request.param == "stand-in" else {}


@pytest.fixture
def judge(sdk: dict[str, str]) -> Judge:
    def made(*operations: Any, pack: str = PACK, **settings: Any) -> Report:
        config = {"small": {"most": 3}} if pack is PACK else {}
        chosen = {"files": {"__main__.py": pack, **sdk}, "config": config} | settings
        return CrossGuard().validate({"operations": list(operations)}, chosen)

    return made


def thing(name: str = "a", op: str = "create", **inputs: Any) -> Any:
    return operation(name, op, after=None if op == "delete" else {"inputs": inputs})


def test_a_mandatory_policy_fails_an_advisory_one_warns(judge: Judge) -> None:
    good = judge(thing(acl="private", size=3))
    open_, large = thing(acl="public-read"), thing("b", size=4)
    gone = thing("c", "delete", acl="public-read")

    assert good.verdict is Verdict.PASS
    assert judge(gone).verdict is Verdict.PASS
    found = judge(open_, large, gone)
    assert found.verdict is Verdict.FAIL
    told = [(finding.urn, finding.message) for finding in found.findings]
    assert told == [
        (open_["urn"], "private: Things are private. a is open"),
        (large["urn"], "small: Things are small. too large"),
    ]
    assert judge(large).verdict is Verdict.WARN


def test_the_rules_say_how_a_policy_is_enforced(judge: Judge) -> None:
    both = {"private": {"enforcementLevel": "advisory"}, "small": {"most": 5}}
    off = {"private": {"enforcementLevel": "disabled"}, "small": {"enforcementLevel": "disabled"}}
    hard = {"small": {"enforcementLevel": "mandatory", "most": 3}}
    bad = thing(acl="public-read", size=4)

    assert [f.message[:7] for f in judge(bad, config=both).findings] == ["private"]
    assert judge(bad, config=both).verdict is Verdict.WARN
    assert judge(bad, config=off) == Report.of()
    assert judge(thing(size=4), config=hard).verdict is Verdict.FAIL


@pytest.mark.parametrize("hidden", [unknown(), unknown(secret=True), secret("0x" + "11" * 32)])
def test_what_a_policy_cannot_see_it_has_not_approved(judge: Judge, hidden: Any) -> None:
    asked = thing(acl=hidden)

    assert judge(asked).verdict is Verdict.FAIL
    assert "can't run policy 'private'" in judge(asked).findings[0].message
    assert judge(asked, undecided="warn").verdict is Verdict.WARN
    assert judge(thing(tag=hidden)).verdict is Verdict.PASS
    assert judge(thing(size=hidden)).verdict is Verdict.WARN


def test_an_escaped_object_is_judged_by_its_own_names(judge: Judge) -> None:
    hidden = escaped([["acl", "public-read"], ["mandate:v1", "x"]])

    assert judge(operation("a", after={"inputs": hidden})).verdict is Verdict.FAIL


def test_a_policy_sees_options_and_the_provider(judge: Judge) -> None:
    code = """
def v(args, report):
    if args.provider:
        report(f"{args.opts.protect} {args.provider.resource_type} {dict(args.provider.props)}")
"""
    policy = 'ResourceValidationPolicy(name="p", description="d", validate=v)'
    known = "urn:pulumi:prod::shop::pulumi:providers:aws::west"
    provider = operation("w", urn=known, after={"inputs": {"region": "eu-west-1"}})
    options = {"before": None, "after": {"parent": None, "protect": True}}
    side = {"before": None, "after": {"urn": known, "id": "x"}}
    made = thing() | {"options": options, "provider": side}

    report = judge(made, provider, pack=ONE.format(code=code, policy=policy, more=""))

    assert len(report.findings) == 1  # a provider has none itself
    assert "True pulumi:providers:aws {'region': 'eu-west-1'}" in report.findings[0].message


@pytest.mark.parametrize(
    ("policy", "more", "why"),
    [
        ('StackValidationPolicy(name="p", description="d", validate=v)', "", "whole stacks"),
        ('ResourceValidationPolicy(name="p", description="d", remediate=v)', "", "judges nothing"),
        ('ResourceValidationPolicy(name="p", description="d", validate=v, remediate=v,'
         "enforcement_level=EnforcementLevel.REMEDIATE)", "", "changes resources"),
        ('ResourceValidationPolicy(name="p", description="d", validate=v)',
         'initial_config={"p": {"a": 1}}', "configures itself"),
        ('ResourceValidationPolicy(name="p", description="d", validate=boom)', "", "ended while"),
        ("", "", "does not start"),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_judge_a_plan(judge: Judge, policy: str, more: str, why: str) -> None:
    code = "def v(args, report=None): pass\ndef boom(args, report): raise RuntimeError('hunter2')\n"
    code += "" if policy else "raise SystemExit"

    with pytest.raises(UsageError, match=why) as error:
        judge(thing(), pack=ONE.format(code=code, policy=policy, more=more))

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"config": {"other": {}}},
        {"config": {"small": {}}},
        {"config": {"small": {"most": 1, "enforcementLevel": "remediate"}}},
        {"undecided": "pass"},
        {"files": {}},
        {"files": {"main.py": ""}},
        {"files": {"__main__.py": PACK, "../x.py": "y"}},
        {"files": {"__main__.py": PACK, "x/y.py": "y"}},
        {"folder": "/srv/packs"},
    ],
)
def test_settings_that_cannot_be_used(judge: Judge, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        judge(thing(), **settings)


def test_the_pack_of_the_reference_page_works(judge: Judge) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    settings = tomllib.loads(blocks[1])["validator"]["settings"]
    pack, config = settings["files"]["__main__.py"], settings["config"]

    assert judge(thing(acl="public-read"), pack=pack, config=config).verdict is Verdict.FAIL
    assert judge(thing(acl="private"), pack=pack, config=config).verdict is Verdict.PASS


def test_the_pack_is_bound_by_the_digest_of_the_rules(sdk: dict[str, str]) -> None:
    """And it runs where every check runs: in a process of its own."""

    def made(pack: str) -> Rules:
        settings = {"files": {"__main__.py": pack, **sdk}, "config": {"small": {"most": 3}}}
        rule = {"id": "any", "reason": "a test", "tier": "medium"}
        check = {"id": "crossguard", "settings": settings, "timeout": 60}
        return Rules.of({"version": 1, "rule": [rule], "validator": [check]})

    subject: Subject = SUBJECT
    plan = document(thing(acl="public-read")).content
    checks = [
        run_validators(made(pack).about(subject), plan)[0] for pack in (PACK, PACK + "# other")
    ]

    assert [check["verdict"] for check in checks] == ["fail", "fail"]
    assert checks[0]["findings"][0]["message"] == "private: Things are private. a is open"
    assert checks[0]["digest"] != checks[1]["digest"]
    assert made(PACK).digest != made(PACK + "# other").digest
