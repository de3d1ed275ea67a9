"""What the rules ask of a plan as a whole: blast radius, cost, environment, constraints."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.judgement import misjudged
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.models import Subject, Tier, keccak, to_hex
from pulumi_mandate.plan.assessment import emergency_tier, incident_of
from pulumi_mandate.plan.compare import differences
from pulumi_mandate.plan.constraint import broken, holds
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import unknown
from tests.gate.cases import KEY, SUBJECT, document, operation, urn

ANY = {"id": "any", "reason": "everything else", "tier": "medium"}
BIG = {"id": "big", "reason": "so much at once", "tier": "high"}
THING = "test:index:Thing"
CIDR = {"types": [THING], "paths": ["inputs.cidr"], "pattern": r"10\.[0-9.]+/[0-9]+"}
SENSITIVE = {"sensitive": ["inputs.cidr*"]}


def rules(**tables: Any) -> Rules:
    made = {"version": 1, "rule": [ANY], "unknowns": SENSITIVE} | tables
    return Rules.of(made).about(SUBJECT)


def stated(found: Rules, *operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the rules say about a plan of these operations."""
    judged = []
    for made in operations or (operation("a"),):
        tier, rule = found.judge(made)
        judged.append({**made, "tier": int(tier), "rule": rule})
    content = {"operations": judged, "checks": [], "source": None} | changes
    return found.state(content)


def planned(found: Rules, *operations: dict[str, Any], **changes: Any) -> Document:
    judged = []
    for made in operations:
        tier, rule = found.judge(made)
        judged.append({**made, "tier": int(tier), "rule": rule})
    content = {"operations": judged, "checks": [], "source": None} | changes
    parts = found.state(content) | {"rules": to_hex(found.digest)} | changes
    base = to_hex(keccak(b"base")) if parts["tier"]["tier"] == Tier.HIGH else None
    return document(*judged, **({"base": base} | parts))


def many(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [operation(f"n{index:03}", **changes) for index in range(count)]


def test_the_plan_asks_for_more_than_its_operations_and_says_why() -> None:
    found = rules(plan=[BIG | {"operations_over": 3}])

    assert stated(found, *many(3))["tier"] == {
        "tier": 2, "rule": "any", "reasons": {"any": "everything else"},
    }  # fmt: skip
    assert stated(found, *many(4))["tier"] == {
        "tier": 3, "rule": "big", "reasons": {"any": "everything else", "big": "so much at once"},
    }  # fmt: skip


def test_every_condition_of_a_plan_rule_must_hold() -> None:
    found = rules(plan=[BIG | {"operations_over": 1, "losses_over": 1}])

    assert stated(found, *many(2))["tier"]["tier"] == Tier.MEDIUM
    assert stated(found, *many(2, op="delete"))["tier"]["rule"] == "big"


def test_unknowns_are_counted() -> None:
    found = rules(plan=[BIG | {"unknowns_over": 1}])
    waiting = {"inputs": {"x": unknown(), "y": unknown()}}

    assert stated(found, operation("a"))["tier"]["rule"] == "any"
    assert stated(found, operation("a", after=waiting))["tier"]["rule"] == "big"


def test_dependents_count_through_others_and_creations_have_none() -> None:
    found = rules(plan=[BIG | {"dependents_over": 1}])
    chain = [
        operation("a", "update"),
        operation("b", "update", dependencies={"before": [], "after": [urn("a")]}),
        operation("c", "update", dependencies={"before": [urn("b")], "after": []}),
    ]
    leaves = {"before": None, "after": [urn("a")]}
    fresh = [operation("a"), *chain[1:2], operation("c", dependencies=leaves)]

    assert stated(found, *chain)["tier"]["rule"] == "big"
    assert stated(found, *chain[:2])["tier"]["rule"] == "any"
    assert stated(found, *fresh)["tier"]["rule"] == "any"


@pytest.mark.parametrize(
    ("source", "changed"),
    [(None, True), ({"changes": []}, False), ({"changes": ["x"]}, True), ({}, True)],
)
def test_a_source_nobody_can_compare_has_changed(source: Any, changed: bool) -> None:
    found = rules(plan=[BIG | {"source_changed": True}])

    assert (stated(found, source=source)["tier"]["rule"] == "big") is changed


def test_the_cost_is_the_checks_word_and_without_it_there_is_no_limit() -> None:
    found = rules(plan=[BIG | {"cost_over": 100}], validator=[{"id": "cost"}])

    def tier(measures: dict[str, Any]) -> str:
        check = {"id": "cost", "measures": measures, "verdict": "pass"}
        return str(stated(found, checks=[check])["tier"]["rule"])

    assert [tier({"usdPerMonth": value}) for value in (-5, 100, 100.01)] == ["any", "any", "big"]
    assert tier({}) == "big"
    assert stated(found)["tier"]["rule"] == "big"


def test_an_environment_has_rules_of_its_own_and_the_digest_is_of_the_file() -> None:
    content = {
        "version": 1,
        "rule": [
            {"id": "prod", "reason": "it is production", "tier": "high", "subjects": ["*/*/prod"]},
            ANY,
        ],
        "plan": [BIG | {"operations_over": 0, "subjects": ["acme/shop/staging"]}],
    }
    whole = Rules.of(content)
    names = {}
    for stack in ("prod", "dev", "staging"):
        found = whole.about(Subject("backend", "acme", "shop", stack))
        assert found.digest == whole.digest
        names[stack] = stated(found)["tier"]["rule"]

    assert names == {"prod": "prod", "dev": "any", "staging": "big"}
    with pytest.raises(UsageError, match="none was named"):
        whole.judge(operation("a"))


def test_a_value_decides_and_one_that_nobody_sees_matches() -> None:
    found = rules(
        rule=[
            {"id": "open", "reason": "all of it", "tier": "high", "paths": ["inputs.cidr*"],
             "values": ["0.0.0.0/*", "true"]},
            ANY,
        ]
    )  # fmt: skip

    def fires(value: Any) -> bool:
        return found.judge(operation("a", after={"inputs": {"cidr": value}}))[1] == "open"

    assert fires("0.0.0.0/0")
    assert fires(["10.0.0.0/8", "0.0.0.0/0"])
    assert fires({"v4": True})
    assert fires(unknown())
    assert fires({"mandate:v1": "secret", "commitment": "0x" + "00" * 32})
    assert not fires("10.0.0.0/8")
    assert not fires([1, None])


def test_a_sensitive_unknown_without_a_constraint_is_refused_and_says_what_to_write() -> None:
    open_to_all = operation("a", after={"inputs": {"cidr": unknown()}})

    with pytest.raises(Refused) as refusal:
        stated(rules(), open_to_all)

    assert refusal.value.step == 5
    assert "[[constraint]]" in refusal.value.next_step
    assert 'paths = ["inputs.cidr"]' in refusal.value.next_step


def test_rules_without_a_word_on_unknowns_let_none_pass() -> None:
    found = Rules.of({"version": 1, "rule": [ANY]}).about(SUBJECT)

    with pytest.raises(Refused):
        stated(found, operation("a", after={"inputs": {"tag": unknown()}}))


def test_where_the_rules_say_high_voters_decide_about_a_blank_cheque() -> None:
    found = rules(unknowns=SENSITIVE | {"unconstrained": "high"})
    parts = stated(found, operation("a", after={"inputs": {"cidr": unknown()}}))

    assert parts["tier"]["tier"] == Tier.HIGH
    assert parts["tier"]["rule"] == "unconstrained-unknown"
    assert parts["unknowns"][0]["constraint"] is None


def test_a_constraint_is_written_beside_the_unknown_and_hashed() -> None:
    found = rules(constraint=[CIDR])
    plan = planned(found, operation("a", after={"inputs": {"cidr": unknown(), "x": unknown()}}))

    constraints = {entry["path"][1]: entry["constraint"] for entry in plan.content["unknowns"]}
    assert constraints == {"cidr": {"pattern": CIDR["pattern"]}, "x": None}
    assert misjudged(found, plan.content) == ""


def test_a_constraint_reaches_lists_by_its_glob() -> None:
    found = rules(constraint=[CIDR | {"paths": ["inputs.cidr*"]}])
    parts = stated(found, operation("a", after={"inputs": {"cidrs": [unknown(), "10.0.0.0/8"]}}))

    assert parts["unknowns"][0]["constraint"] == {"pattern": CIDR["pattern"]}


def test_no_constraint_is_believed_for_a_secret() -> None:
    secret = operation("a", after={"inputs": {"cidr": unknown(secret=True)}})

    with pytest.raises(Refused):
        stated(rules(constraint=[CIDR]), secret)


def test_a_name_does_not_hide_in_an_escaped_object() -> None:
    hidden = {"mandate:v1": "escaped", "entries": [["cidr", unknown()], ["mandate:v1", "x"]]}

    with pytest.raises(Refused, match=r"inputs\.cidr of"):
        stated(rules(), operation("a", after={"inputs": hidden}))


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ({"equals": "a"}, ["a", ["a", "a"]], ["b", None, 1, [], ["a", "b"], {}, {"x": "a"}]),
        ({"equals": 1}, [1], ["1", 2, True]),
        ({"equals": True}, [True], [1, "true", False]),
        ({"oneOf": ["a", 2]}, ["a", 2, ["a", 2]], ["b", "2", ["a", "b"]]),
        ({"pattern": "a+"}, ["a", "aa"], ["ab", "", "xa", "a\n", 1, None, "a" * 5000]),
        ({"pattern": r"\d+"}, ["12"], ["\u0661\u0662"]),
    ],
)
def test_what_a_constraint_allows(constraint: Any, good: list[Any], bad: list[Any]) -> None:
    secret = {"mandate:v1": "secret", "commitment": "0x" + "00" * 32}

    assert all(holds(constraint, value) for value in good)
    assert not any(holds(constraint, value) for value in [*bad, secret, [secret]])


def test_what_cannot_be_found_breaks_its_constraint() -> None:
    entry = {"urn": "u", "op": "create", "path": ["inputs", "a", "0"], "constraint": {"equals": 1}}

    for after in ({"inputs": {"a": []}}, {"inputs": {}}, None, {"inputs": {"a": 3}}):
        assert [path for path, _ in broken([entry], [], ("u", "create"), after)] == ["inputs.a.0"]
    assert not list(broken([entry], [], ("u", "create"), {"inputs": {"a": [1]}}))
    assert not list(broken([entry], [], ("u", "create"), {"inputs": {"a": [unknown()]}}))
    assert not list(broken([entry], [], ("v", "create"), {"inputs": {}}))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0.0.0.0/0", []),
        (["a", {"tags": ["b"]}], []),
        ({"cidr": "0.0.0.0/0"}, ["inputs.a.cidr"]),
        ({"rules": [{"from": {"cidr": 1}}]}, ["inputs.a.rules.0.from.cidr"]),
        ({"cidr": {"mandate:v1": "unknown", "secret": False}}, ["inputs.a.cidr"]),
        ({"mandate:v1": "escaped", "entries": [["cidr", 1]]}, ["inputs.a.cidr"]),
        ({"mandate:v1": "secret", "commitment": "0x" + "00" * 32}, []),
        ({"mandate:v1": "unknown", "secret": False}, []),
    ],
)
def test_no_sensitive_name_hides_in_what_was_unknown_as_a_whole(value: Any, found: Any) -> None:
    entry = {"urn": "u", "op": "create", "path": ["inputs", "a"], "constraint": None}
    after = {"inputs": {"a": value}}

    there = [path for path, _ in broken([entry], ["inputs.*cidr*"], ("u", "create"), after)]

    assert there == found
    assert not list(broken([entry], [], ("u", "create"), after))
    assert not list(broken([entry], ["inputs.a"], ("u", "create"), after)), "all of it was accepted"


def test_the_sensitive_names_are_in_the_document_where_something_is_unknown() -> None:
    found = rules()

    waiting = stated(found, operation("a", after={"inputs": {"x": unknown()}}))
    assert waiting["sensitive"] == sorted(SENSITIVE["sensitive"])
    assert stated(found, operation("a", after={"inputs": {"x": 1}}))["sensitive"] == []


def test_what_has_become_known_needs_no_sensitive_names_any_more() -> None:
    found = rules(unknowns={"sensitive": ["inputs.*cidr*"]})
    waiting = planned(found, operation("a", after={"inputs": {"x": unknown()}}))

    good = planned(found, operation("a", after={"inputs": {"x": 1}}))
    assert good.content["sensitive"] == []
    assert differences(waiting, good) == []
    bad = planned(found, operation("a", after={"inputs": {"x": {"cidr": 1}}}))
    assert [one.field for one in differences(waiting, bad)] == [
        f"operations.{urn('a')}.create.after.inputs.x.cidr"
    ]


class TestEveryVerifierFinds:
    """A document that a proposer wrote by hand."""

    found = rules(constraint=[CIDR], plan=[BIG | {"operations_over": 3}])
    made = operation("a", after={"inputs": {"cidr": unknown()}})

    def told(self, **changes: Any) -> str:
        content = planned(self.found, self.made).content
        return misjudged(self.found, {**content, **changes})

    def test_nothing_in_an_honest_one(self) -> None:
        assert self.told() == ""

    def test_a_constraint_of_his_own(self) -> None:
        entry = planned(self.found, self.made).content["unknowns"][0]
        for constraint in (None, {"pattern": ".*"}):
            assert "constraints" in self.told(unknowns=[entry | {"constraint": constraint}])

    def test_fewer_sensitive_names(self) -> None:
        assert "may turn out to hold" in self.told(sensitive=[])

    def test_a_reason_in_his_own_words(self) -> None:
        tier = {"tier": 2, "rule": "any", "reasons": {"any": "all is well"}}
        assert "with its reasons" in self.told(tier=tier)
        assert "with its reasons" in self.told(tier=tier | {"reasons": {}})

    def test_a_lower_tier_of_the_plan(self) -> None:
        content = planned(self.found, *many(4)).content
        lower = {"tier": 2, "rule": "any", "reasons": {"any": "everything else"}}
        assert "the plan is high by big" in misjudged(self.found, {**content, "tier": lower})

    def test_another_rule_than_the_one_that_fired(self) -> None:
        content = planned(self.found, self.made).content
        operations = [{**content["operations"][0], "rule": "other"}]
        assert "it says medium by other" in misjudged(
            self.found, {**content, "operations": operations}
        )

    def test_a_sensitive_unknown_under_stricter_rules(self) -> None:
        content = planned(self.found, self.made).content
        assert "sensitive" in misjudged(rules(), content)


class TestChecksOfADocument:
    choice = {"id": "cost", "settings": {"limit": 1}}  # noqa: RUF012

    def check(self, **changes: Any) -> dict[str, Any]:
        made = {"id": "cost", "version": "1", "digest": to_hex(keccak(b'{"limit":1}')),
                "mandatory": True, "verdict": "pass", "findings": [], "measures": {},
                "override": None}  # fmt: skip
        return made | changes

    def told(self, found: Rules, *checks: dict[str, Any]) -> str:
        content = {"operations": [], "checks": list(checks)}
        content = planned(rules(), operation("a")).content | {"checks": list(checks)}
        return misjudged(found, content)

    def test_what_the_rules_ask_for_was_done(self) -> None:
        asked = rules(validator=[self.choice])

        assert self.told(asked, self.check()) == ""
        assert "not for these" in self.told(asked)
        assert "not for these" in self.told(rules(), self.check())
        assert "other settings" in self.told(asked, self.check(digest="0x" + "00" * 32))
        assert "other settings" in self.told(asked, self.check(mandatory=False))

    def test_a_mandatory_failure_and_an_override_that_may_not_be(self) -> None:
        reasons = [{"urn": "", "message": "too dear"}]
        failed = self.check(verdict="fail", findings=reasons)
        asked = self.check(verdict="overridden", findings=reasons, override="please")

        assert "it is mandatory" in self.told(rules(validator=[self.choice]), failed)
        assert "do not let it be" in self.told(rules(validator=[self.choice]), asked)
        allowed = rules(validator=[self.choice | {"overridable": True}])
        assert "the plan is high by overridden-check" in self.told(allowed, asked)


def test_the_key_of_a_made_up_plan_is_used() -> None:
    assert planned(rules(), operation("a")).content["secretKeyId"] == to_hex(KEY.id)


def test_an_emergency_says_so_on_purpose_and_hides_nothing_of_the_rules() -> None:
    """Whether it could wait nobody can judge; everything else every verifier judges again."""
    found = rules(plan=[BIG | {"operations_over": 1}])
    voted = planned(found, *many(2)).content
    stated_tier = emergency_tier(voted["tier"], "INC-2041", "the disk is full")

    urgent = Document.of(voted | {"tier": stated_tier})

    assert urgent.tier is Tier.EMERGENCY
    assert incident_of(urgent.content["tier"]) == ("INC-2041", "the disk is full")
    assert urgent.content["tier"]["reasons"]["big"] == "so much at once"
    assert misjudged(found, urgent.content) == ""
    for reasons in (
        {name: why for name, why in stated_tier["reasons"].items() if name != "big"},
        {name: why for name, why in stated_tier["reasons"].items() if name != "any"},
        stated_tier["reasons"] | {"any": "nothing to see here"},
    ):
        told = Document.of(voted | {"tier": stated_tier | {"reasons": reasons}})
        assert "the plan is emergency by emergency.INC-2041" in misjudged(found, told.content)
    lower = [{**one, "tier": 1} for one in urgent.operations]
    told = Document.of(urgent.content | {"operations": lower})
    assert "operation 0 is medium" in misjudged(found, told.content)


@pytest.mark.parametrize("name", ["emergency.INC-1", "emergency."])
def test_no_rule_makes_an_emergency(name: str) -> None:
    with pytest.raises(UsageError, match="reserved"):
        rules(rule=[ANY | {"id": name}])
    with pytest.raises(UsageError, match="low, medium, high"):
        rules(rule=[ANY | {"tier": "emergency"}])
