"""The rules' word in a document: its form is checked by everybody, rules or not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Tier, keccak, to_hex
from pulumi_mandate.plan.assessment import NOBODY_KNOWS
from pulumi_mandate.plan.compare import differences
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.render import render_markdown, render_text
from tests.plan.samples import UNKNOWN, build, creation, secret

URN = "urn:pulumi:dev::fixture::pulumi-python:dynamic/mandate:Thing::x"
HIGH = {"tier": 3, "rule": "overridden-check", "reasons": {"overridden-check": "voters decide"}}


def check(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "cost",
        "version": "1",
        "digest": to_hex(keccak(b"settings")),
        "mandatory": True,
        "verdict": "pass",
        "findings": [],
        "measures": {"usdPerMonth": 12.5},
        "override": None,
    }
    return made | changes


def failed(**changes: Any) -> dict[str, Any]:
    finding = {"urn": URN, "message": "too dear"}
    return check(**({"verdict": "fail", "findings": [finding]} | changes))


def document(*checks: dict[str, Any], **changes: Any) -> Document:
    def assess(content: Any) -> dict[str, Any]:
        return {"checks": list(checks)} | copy.deepcopy(changes)

    raw = creation("x", {"size": 1, "open": UNKNOWN})
    return _build(raw, assess)


def _build(raw: Any, assess: Any) -> Document:
    from pulumi_mandate.plan.build import build_document
    from tests.plan.samples import facts

    return build_document(raw, facts(), lambda operation: (Tier.MEDIUM, "test"), assess)


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [(-3, 0), (0, 0), (0.004, 0), (0.005, 1), (918.34, 91834), (2**53 - 2, NOBODY_KNOWS)],
)
def test_what_is_added_to_the_bill_is_a_field_of_the_plan(dollars: float, cents: int) -> None:
    assert document(check(measures={"usdPerMonth": dollars})).fields().cost == cents


def test_a_cost_that_no_check_measured_is_above_any_cap() -> None:
    """Another check's measure does not stand in for it, nor does its own under another name."""
    named = [check(id="quota"), check(measures={"unpriced": 1})]

    assert [document(one).fields().cost for one in named] == [NOBODY_KNOWS] * 2


def test_checks_are_part_of_the_hash() -> None:
    hashes = {
        document(*checks).fields().checks
        for checks in ((), (check(),), (check(measures={}),), (check(mandatory=False),))
    }

    assert len(hashes) == 4


WRONG = {
    "not an object": "cost",
    "a part too much": check(note="x"),
    "a part too few": {"id": "cost"},
    "a long id": check(id="c" * 33),
    "a loud id": check(id="Cost"),
    "a version with a space": check(version="1 (reviewed)"),
    "a digest that is none": check(digest="0x12"),
    "a verdict of its own": check(verdict="fine"),
    "mandatory as a number": check(mandatory=1),
    "findings that are no list": check(findings={}),
    "too many findings": failed(findings=[{"urn": "", "message": f"{n:04}"} for n in range(1001)]),
    "a finding on a stranger": failed(findings=[{"urn": "urn:x", "message": "m"}]),
    "a finding on a list": failed(findings=[{"urn": [], "message": "m"}]),
    "a finding with more": failed(findings=[{"urn": "", "message": "m", "more": 1}]),
    "a message with an escape": failed(findings=[{"urn": "", "message": "\x1b[2J all is well"}]),
    "a message of two lines": failed(findings=[{"urn": "", "message": "a\nb"}]),
    "an endless message": failed(findings=[{"urn": "", "message": "m" * 501}]),
    "an empty message": failed(findings=[{"urn": "", "message": ""}]),
    "findings out of order": failed(
        findings=[{"urn": "", "message": "b"}, {"urn": "", "message": "a"}]
    ),
    "one finding twice": failed(findings=[{"urn": "", "message": "a"}] * 2),
    "a failure without a reason": check(verdict="fail"),
    "an override without a reason": failed(verdict="overridden"),
    "an override of nothing": failed(override="please"),
    "a measure that is text": check(measures={"usd": "12"}),
    "a measure that is true": check(measures={"usd": True}),
    "a measure with a sentence": check(measures={"approved by all": 1}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_check_of_another_form_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidDocument):
        document(wrong)


def test_checks_stand_in_order_and_once() -> None:
    for ids in (("cost", "cost"), ("quota", "cost")):
        with pytest.raises(InvalidDocument, match="sorted"):
            document(*(check(id=name) for name in ids))


def test_an_override_needs_the_high_tier() -> None:
    asked = failed(verdict="overridden", override="the sale begins tomorrow")

    with pytest.raises(InvalidDocument, match="overridden"):
        document(asked)
    assert document(asked, tier=HIGH).tier is Tier.HIGH


@pytest.mark.parametrize(
    "tier",
    [
        {"tier": 1, "rule": "test", "reasons": {}},
        {"tier": 2, "rule": "another", "reasons": {}},
        {"tier": 4, "rule": "test", "reasons": {}},
        {"tier": 3, "rule": "all is well", "reasons": {}},
        {"tier": 3, "rule": [], "reasons": {}},
        {"tier": 2, "rule": "test", "reasons": {"stranger": "x"}},
        {"tier": 2, "rule": "test", "reasons": {"test": "a\x1bb"}},
        {"tier": 2, "rule": "test", "reasons": []},
        {"tier": 2, "rule": "test"},
    ],
)
def test_a_tier_of_another_form_is_refused(tier: Any) -> None:
    with pytest.raises(InvalidDocument):
        document(tier=tier)


@pytest.mark.parametrize(
    "constraint",
    [
        {}, {"equals": 1, "pattern": "a"}, {"equals": {}}, {"oneOf": []}, {"oneOf": "a"},
        {"oneOf": [[]]}, {"pattern": ""}, {"pattern": 1}, {"pattern": "a\nb"}, {"like": "a"}, "a",
    ],
)  # fmt: skip
def test_a_constraint_of_another_form_is_refused(constraint: Any) -> None:
    good = document().content["unknowns"][0]

    with pytest.raises(InvalidDocument):
        document(unknowns=[good | {"constraint": constraint}])


def test_an_unknown_is_not_left_out_and_says_nothing_else() -> None:
    good = document().content["unknowns"][0]

    for wrong in ([], [good, good], [good | {"path": ["x"]}], [good | {"more": 1}], ["x"], {}):
        with pytest.raises(InvalidDocument, match="unknown values"):
            document(unknowns=wrong)


def test_voters_read_constraints() -> None:
    good = document().content["unknowns"][0]
    told = document(unknowns=[good | {"constraint": {"pattern": r"10\..*"}}])

    for text in (render_text(told), render_markdown(told).replace("\\", "")):
        assert "or it is refused" in text
    assert "whatever it is" in render_text(document())


def test_checks_made_again_may_not_be_worse() -> None:
    warned = check(verdict="warn", findings=[{"urn": "", "message": "a"}])
    asked = failed(verdict="overridden", override="now", mandatory=False)
    again = failed(mandatory=False)
    cases = [
        (check(), check(measures={"usdPerMonth": 99}), []),
        (warned, check(), []),
        (check(), warned, ["checks.cost.verdict"]),
        (warned, failed(), ["checks.cost.verdict"]),
        (asked, again, []),
        (again, again, []),
        (again, failed(mandatory=False, findings=[{"urn": "", "message": "another"}]),
         ["checks.cost.findings"]),
        (check(), check(version="2"), ["checks.cost.version"]),
        (check(), check(digest=to_hex(keccak(b"x"))), ["checks.cost.digest"]),
        (check(), check(mandatory=False), ["checks.cost.mandatory"]),
    ]  # fmt: skip
    for approved, found, expected in cases:
        tier = HIGH if approved is asked else None
        ours = document(approved, **({"tier": tier} if tier else {}))
        theirs = document(found, **({"tier": tier} if tier else {}))
        assert [d.field for d in differences(ours, theirs)] == expected


def test_a_check_that_vanished_or_appeared_is_a_difference() -> None:
    assert [d.field for d in differences(document(check()), document())] == ["checks.cost"]
    assert [d.field for d in differences(document(), document(check()))] == ["checks.cost"]


def test_a_plan_whose_tier_rose_is_another_plan() -> None:
    risen = document(tier=HIGH)

    assert "tier" in [d.field for d in differences(document(), risen)]
    assert "tier" not in [d.field for d in differences(risen, document())]


def test_a_document_read_again_is_the_same() -> None:
    found = document(failed(verdict="overridden", override="now"), check(id="quota"), tier=HIGH)

    assert Document.load(found.data).content == found.content
    assert build(creation("x", {"size": 1})).content["checks"] == []


def test_what_an_unknown_became_before_the_run_keeps_its_constraint() -> None:
    """Also while resuming, where the rest of the plan knows what the first part made."""
    good = document().content["unknowns"][0]
    approved = document(unknowns=[good | {"constraint": {"pattern": "10.*"}}])

    def found(value: Any) -> list[str]:
        now = _build(creation("x", {"size": 1, "open": value}), lambda _: {})
        ours, theirs = (
            {d.field for d in differences(approved, now, resuming=r)} for r in (False, True)
        )
        assert ours == theirs
        return [field.rpartition(".")[2] for field in sorted(ours)]

    assert found("10.0.0.1") == []
    assert found(UNKNOWN) == []
    assert found("0.0.0.0/0") == ["open"]


def test_a_secret_never_keeps_a_constraint_and_is_not_told() -> None:
    """Only its commitment could be looked at; its text would say whether a guess was right."""
    good = document().content["unknowns"][0]
    approved = document(unknowns=[good | {"constraint": {"pattern": ".*"}}])
    inputs = {"size": 1, "open": secret("hunter2")}

    now = _build(creation("x", inputs, inputs | {"open": "[secret]"}), lambda _: {})
    (difference,) = differences(approved, now)

    assert difference.field.endswith("::x.create.after.inputs.open")
    assert difference.expected == '{"pattern":".*"}'
    assert difference.found == "a value that it does not allow"
    assert b"hunter2" not in now.data
