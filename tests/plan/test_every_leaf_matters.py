"""A mutation test of the plan hash: change any one leaf of what the engine said.

Each must change what the plan hash is made of, or be refused. What may not matter is listed here
with its reason, and the list is tested the other way round: it leaves every byte alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import EmptyPlan, IncompletePlan, InvalidDocument
from pulumi_mandate.models import to_hex
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.build import build_document
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.document import Document, leaves
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import EVERY_OPERATION, build, facts, recorded

# Thousands of plans through lines that other tests count: traced, they take three times as long.
pytestmark = pytest.mark.no_cover

Place = tuple[str | int, ...]
SOURCES = ("plan_file", "steps", "before", "config")

IRRELEVANT = {
    r"plan_file/manifest/(time|magic)": "the clock, and a constant of the format",
    r"plan_file/resourcePlans/\*/seed": "drawn anew in every preview",
    r"plan_file/resourcePlans/\*/state(/.*)?": "what the provider predicts as outputs: where one "
    "is passed on, it is in somebody's inputs",
    r"plan_file/config/[^/]+/secure": "ciphertext, new in every preview",
    r"steps/(duration|changeSummary/.*)": "for people, counted from the steps",
    r"steps/config/(fixture:password|mandate:commitmentKey)": "the mask of a secret",
    r"steps/steps/\*/provider": "repeated from the step's state",
    r"steps/steps/\*/(oldState|newState)/(created|modified)": "the clock",
    r"steps/steps/\*/oldState/(delete|pendingReplacement)": "how far the engine is, while it shows "
    "the step; the state export has what was there",
    r"steps/steps/\*/oldState/type": "of an import, whose old state is made up from the new one",
    r"steps/steps/\*/newState/outputs(/.*)?": "predicted, as above; those of components and stacks "
    "are taken from the plan file",
    r"before/version": "the number of the export's format",
    r"before/deployment/manifest/(time|magic|version)": "who wrote the state last, and when",
    r"before/deployment/metadata": "an empty object",
    r"before/deployment/secrets_providers/(type|state/salt)": "how the state is encrypted",
    r"before/deployment/resources/\*/(created|modified)": "the clock",
    r"before/deployment/resources/\*/outputs/(t|token)/plaintext": "a secret output of a resource "
    "that stays as it is; masked in the steps, and in `base` where something touches it",
    r"config/mandate:commitmentKey/(value|secret)": "whoever builds the plan makes the commitment "
    "key of it, whose id is in the document; `subject_key` refuses what is no secret",
}
"""Places, with URNs and positions as `*`, and why the plan stays the same when they change."""
_OPTIONAL = frozenset({r"steps/steps/\*/oldState/type"})
"""Irrelevant for some resources, and refused or relevant for the others."""


@cache
def _approved() -> Document:
    return build(recorded(EVERY_OPERATION))


def _leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from _leaves(item, (*place, key))
    else:
        yield place


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"


def _change(root: Any, place: Place) -> None:
    for key in place[:-1]:
        root = root[key]
    root[place[-1]] = _other(root[place[-1]])


def _shape(source: str, place: Place) -> str:
    parts = ["*" if isinstance(key, int) or key.startswith("urn:") else key for key in place]
    return "/".join([source, *parts])


def _pattern(source: str, place: Place) -> str | None:
    shape = _shape(source, place)
    return next((pattern for pattern in IRRELEVANT if re.fullmatch(pattern, shape)), None)


def _changed(source: str, place: Place) -> RawPreview:
    raw = recorded(EVERY_OPERATION)
    _change(getattr(raw, source), place)
    if source == "before":  # the two exports are compared with each other first
        _change(raw.after, place)
    return raw


def _built(raw: RawPreview) -> Document | None:
    try:
        return build_document(raw, facts(), Rules.load().judge)
    except (IncompletePlan, EmptyPlan, InvalidDocument):
        return None


@pytest.mark.parametrize("source", SOURCES)
def test_every_leaf_of_what_the_engine_said_matters_or_is_listed(source: str) -> None:
    unseen = [
        _shape(source, place)
        for place in _leaves(getattr(recorded(EVERY_OPERATION), source))
        if _pattern(source, place) is None
        and (found := _built(_changed(source, place))) is not None
        and found.fields() == _approved().fields()
    ]

    assert unseen == []


def test_what_is_listed_as_irrelevant_is_there_and_changes_no_byte() -> None:
    places: dict[str, list[tuple[str, Place]]] = {pattern: [] for pattern in IRRELEVANT}
    for source in SOURCES:
        for place in _leaves(getattr(recorded(EVERY_OPERATION), source)):
            pattern = _pattern(source, place)
            if pattern is not None:
                places[pattern].append((source, place))

    for pattern, found in places.items():
        one_in = 1 if pattern in _OPTIONAL else max(1, len(found) // 5)
        documents = [_built(_changed(*where)) for where in found[::one_in]]
        same = [
            document is not None and document.data == _approved().data for document in documents
        ]

        assert any(same) if pattern in _OPTIONAL else all(same) and same, pattern


def test_what_all_sources_say_of_the_past_matters() -> None:
    """The state and the steps' old states changed together: nothing is left to disagree."""
    touched = {operation["urn"] for operation in _approved().operations}
    changed, unseen = 0, []
    for index, resource in enumerate(recorded(EVERY_OPERATION).before["deployment"]["resources"]):
        shared = [place for place in _leaves(resource) if place[0] not in ("created", "modified")]
        for place in shared if resource["urn"] in touched else []:
            raw = recorded(EVERY_OPERATION)
            for export in (raw.before, raw.after):
                _change(export["deployment"]["resources"][index], place)
            for step in raw.steps["steps"]:
                old = step.get("oldState") or {}
                if (old.get("urn"), old.get("id")) == (resource["urn"], resource.get("id")):
                    with suppress(TypeError):  # a secret is masked there
                        _change(old, place)
            found = _built(raw)
            changed += found is not None
            if found is not None and found.fields() == _approved().fields():
                unseen.append((resource["urn"], place))

    assert unseen == []
    assert changed > 50


def test_every_leaf_of_a_document_matters() -> None:
    approved, unseen = _approved(), []
    for place in _leaves(approved.content):
        content = Document.load(approved.data).content
        _change(content, place)
        if place[0] == "operations":
            with suppress(ValueError):  # a kind that does not exist has no leaf
                content["effectRoot"] = to_hex(merkle.root(leaves(content["operations"])))
        try:
            found = Document.load(canonical_bytes(content)).fields()
        except InvalidDocument:
            continue
        same_effect = place[0] == "operations" and found.effect_root == approved.effect_root
        if same_effect or found == approved.fields():
            unseen.append(place)

    assert unseen == []
