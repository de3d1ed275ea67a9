"""Previews to build plans from: one recorded from the real engine, and made-up ones of any size."""

from __future__ import annotations

import copy
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_mandate.checks import Rules
from pulumi_mandate.models import Address, Digest, Subject, keccak
from pulumi_mandate.plan.build import Facts, build_document
from pulumi_mandate.plan.commitment import SubjectKey
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import ProgramDigest, ProgramFile
from pulumi_mandate.plan.raw import RawPreview, subject_key
from pulumi_mandate.plan.source import Since, Source, source_part, texts_of
from pulumi_mandate.plan.toolchain import Package, toolchain

RECORDED = Path(__file__).parent / "fixtures" / "second_change.json"
"""From engine v3.259.0: update, replace, delete, create, protect, secrets, unknowns."""

EVERY_OPERATION = Path(__file__).parent / "fixtures" / "every_operation.json"
"""The programs of `tests/engine/test_plan_operations.py` with secrets, assets and unknowns."""

PARTIAL_CHANGE = Path(__file__).parent / "fixtures" / "partial_change.json"
"""`--target` of one of several changes, on the echo provider (a stand-in)."""

PREFIX = "urn:pulumi:dev::fixture::"
THING = "pulumi-python:dynamic/mandate:Thing"
STACK = f"{PREFIX}pulumi:pulumi:Stack::fixture-dev"
PROVIDER = f"{PREFIX}pulumi:providers:pulumi-python::default"
SIGNATURE = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
KEY = SubjectKey(b"\xab" * 32)


def secret(value: object) -> dict[str, str]:
    """As a plan file saved with `--show-secrets` holds it."""
    return {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


@cache
def _recorded(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def recorded(path: Path = RECORDED) -> RawPreview:
    """A fresh copy of the recorded preview, to be changed by the test."""
    content = copy.deepcopy(_recorded(path))
    return RawPreview(
        content["planFile"],
        content["steps"],
        content["state"],
        copy.deepcopy(content["state"]),
        content["config"],
    )


def program(text: str) -> ProgramDigest:
    """A program of one file."""
    return ProgramDigest.of(
        (ProgramFile("__main__.py", "file", hashlib.sha256(text.encode()).hexdigest()),)
    )


def sourced(path: str, before: str, after: str) -> dict[str, Any]:
    """Facts of a program whose one file changed since the last plan: for `facts` and `build`."""
    old, new = (_source(path, text) for text in (before, after))
    since = Since(keccak(b"the last plan"), old)
    return {"program": ProgramDigest.of(new.files), "source": source_part(new, since)}


def _source(path: str, text: str) -> Source:
    file = ProgramFile(path, "file", hashlib.sha256(text.encode()).hexdigest())
    return Source((file,), texts_of([(path, text.encode())]))


def facts(**changes: Any) -> Facts:
    """What the sources do not say, the same every time."""
    packages = [Package("things-sdk", "1.0", keccak(b"sdk"), ("things_sdk",))]
    values: dict[str, Any] = {
        "subject": Subject("backend", "organization", "fixture", "dev"),
        "program": program("hello"),
        "toolchain": toolchain("v3.259.0", packages),
        "rules": Rules.load().digest,
        "proposer": Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        "not_before": 1_800_000_000,
        "expires_at": 1_800_604_800,
        "salt": Digest(keccak(b"salt")),
        "key": KEY,
    }
    return Facts(**values | changes)


def build(raw: RawPreview, **changes: Any) -> Document:
    """The document of a preview under the default rules."""
    assert subject_key(raw.config) == KEY
    return build_document(raw, facts(**changes), Rules.load().judge)


def step(raw: RawPreview, name: str, op: str | None = None) -> dict[str, Any]:
    """A JSON step of the resource with this name."""
    found = [
        entry
        for entry in raw.steps["steps"]
        if entry["urn"].endswith(f"::{name}") and op in (None, entry["op"])
    ]
    return dict(found[0]) if len(found) != 1 else found[0]


def plan(raw: RawPreview, name: str) -> dict[str, Any]:
    """The plan file's entry of the resource with this name."""
    plans = raw.plan_file["resourcePlans"]
    return next(entry for urn, entry in plans.items() if urn.endswith(f"::{name}"))


def resource(raw: RawPreview, name: str) -> list[dict[str, Any]]:
    """The resource in the state, before and after the preview."""
    return [
        next(r for r in export["deployment"]["resources"] if r["urn"].endswith(f"::{name}"))
        for export in (raw.before, raw.after)
    ]


def operation(document: Document, name: str, op: str | None = None) -> dict[str, Any]:
    """The operation on the resource with this name."""
    return next(
        entry
        for entry in document.operations
        if entry["urn"].endswith(f"::{name}") and op in (None, entry["op"])
    )


def creation(name: str, inputs: dict[str, Any], masked: dict[str, Any] | None = None) -> RawPreview:
    """A preview that creates one thing, as the engine would say it."""
    return made_up({name: inputs}, {name: masked if masked is not None else inputs})


def made_up(
    things: dict[str, dict[str, Any]], masked: dict[str, dict[str, Any]] | None = None
) -> RawPreview:
    """A preview that creates these things under a stack that is already there."""
    shown = masked or things
    stack = {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"}
    provider = f"{PROVIDER}::{UNKNOWN}"
    plans: dict[str, Any] = {
        STACK: {"goal": {"type": "pulumi:pulumi:Stack", "name": "fixture-dev", "custom": False,
                         "protect": False}, "steps": ["same"]},
    }  # fmt: skip
    steps: list[dict[str, Any]] = [
        {"op": "same", "urn": STACK, "oldState": stack, "newState": stack}
    ]
    for name, inputs in things.items():
        urn = f"{PREFIX}{THING}::{name}"
        common = {"type": THING, "custom": True, "parent": STACK, "provider": provider}
        plans[urn] = {
            "goal": {**common, "name": name, "protect": False, "inputDiff": {"adds": inputs}},
            "steps": ["create"],
        }
        steps.append(
            {"op": "create", "urn": urn, "newState": {**common, "urn": urn, "inputs": shown[name]}}
        )
    export = {"version": 3, "deployment": {"resources": [stack]}}
    key = {"value": KEY.secret.hex(), "secret": True}
    return RawPreview(
        {
            "manifest": {"version": "v3.259.0"},
            "config": {"mandate:commitmentKey": {"secure": "v1:AAAA"}},
            "resourcePlans": plans,
        },
        {"config": {"mandate:commitmentKey": "[secret]"}, "steps": steps},
        export,
        copy.deepcopy(export),
        {"mandate:commitmentKey": key},
    )
