"""Tiers fail upwards, and the rules are data whose digest is on chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.rules import NO_MATCH
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Tier

U = {"mandate:v1": "unknown", "secret": False}
LIMIT = {"types": ["*"], "paths": ["*"], "pattern": "a"}
RULE = {"id": "r", "reason": "because", "tier": "medium"}


OURS = {
    "mandate:v1": "provider-code",
    "module": "pulumi_mandate.resources.s3_bucket",
    "class": "S3BucketProvider",
    "package": "0x" + "ab" * 32,
    "code": "0x" + "cd" * 32,
}
BUCKET = "pulumi-python:dynamic/mandate:S3Bucket"


def operation(op: str, before: Any = None, after: Any = None, **changes: Any) -> dict[str, Any]:
    """An operation on one of our own types, with our own provider."""
    before, after = (
        None if side is None else {"__provider": OURS, **side} for side in (before, after)
    )
    return {
        "op": op,
        "type": "pulumi-python:dynamic/mandate:S3Bucket",
        "provider": {"before": None, "after": None},
        "options": {"before": {}, "after": {}},
        "before": None if before is None else {"inputs": before, "outputs": {}},
        "after": None if after is None else {"inputs": after},
    } | changes


@pytest.mark.parametrize(
    ("found", "tier", "rule"),
    [
        (operation("create", None, {"name": "a"}), Tier.MEDIUM, "our-resources"),
        (operation("update", {"tags": {"a": 1}}, {"tags": {"a": 2}}), Tier.MEDIUM, "our-resources"),
        (operation("delete", {"name": "a"}), Tier.HIGH, "replace-or-delete"),
        (operation("delete-replaced", {"name": "a"}), Tier.HIGH, "replace-or-delete"),
        (operation("abandon", {"name": "a"}), Tier.HIGH, "abandon-or-import"),
        (operation("import", None, {"name": "a"}), Tier.HIGH, "abandon-or-import"),
        (operation("update", {"policy": "a"}, {"policy": "b"}), Tier.HIGH, "access-changed"),
        (operation("update", {"policy": "a", "t": 1}, {"policy": "a", "t": 2}), Tier.MEDIUM,
         "our-resources"),
        (operation("update", {"x": 1}, {"imageId": U}), Tier.HIGH, "unknown-on-a-sensitive-path"),
        (operation("update", {"x": 1}, {"rules": [{"cidrs": [U]}]}), Tier.HIGH,
         "unknown-on-a-sensitive-path"),
        (operation("update", {"x": 1}, {"r": {"mandate:v1": "escaped", "entries": [
            ["cidrs", U], ["mandate:v1", 1]]}}), Tier.HIGH, "unknown-on-a-sensitive-path"),
        (operation("update", {"x": 1}, {"x": U}), Tier.MEDIUM, "our-resources"),
        (operation("metadata", {}, {}, options={"before": {"protect": True}, "after": {}}),
         Tier.HIGH, "protection-changed"),
        (operation("metadata", {}, {}, provider={"before": {"urn": "a", "id": "1"},
                                                 "after": {"urn": "b", "id": "1"}}), Tier.HIGH,
         "provider-changed"),
        (operation("create", None, {"x": 1}, type="aws:s3/bucket:Bucket"), Tier.HIGH, NO_MATCH),
        (operation("create", None, {}, type="pulumi:providers:aws"), Tier.MEDIUM, "provider"),
        (operation("update", {"region": "eu"}, {"region": "us"}, type="pulumi:providers:aws"),
         Tier.HIGH, "explicit-provider"),
        (operation("update", {}, {}, type="pulumi-python:dynamic/mandatex:Evil"), Tier.HIGH,
         NO_MATCH),
        (operation("create", None, {}, type="pulumi-python:dynamic/mandate:S3BucketX"), Tier.HIGH,
         NO_MATCH),
        (operation("create", None, {}, type="mandate:cloud:GovernedBucket"), Tier.MEDIUM,
         "stack-and-components"),
        (operation("create", None, {}, type="mandate:evil:Thing"), Tier.HIGH, NO_MATCH),
        (operation("create", None, {}, type="aws:iam/role:Role"), Tier.HIGH, "aws-iam"),
        (operation("update", {}, {"tags": {"a": 1}}, type="aws:iam/role:Role"), Tier.HIGH,
         "aws-iam"),
        (operation("create", None, {}, type="aws:kms/key:Key"), Tier.HIGH, "aws-key"),
        (operation("update", {}, {"x": 1}, type="aws:ec2/securityGroup:SecurityGroup"), Tier.HIGH,
         "aws-security-group"),
        (operation("create", None, {}, type="aws:s3/bucketPolicy:BucketPolicy"), Tier.HIGH,
         "aws-bucket-access"),
        (operation("update", {"deletionProtection": True}, {"deletionProtection": False},
                   type="aws:rds/instance:Instance"), Tier.HIGH, "aws-database-guard"),
        (operation("delete", {}, type="aws:rds/instance:Instance"), Tier.HIGH, "replace-or-delete"),
        (operation("update", {"tags": {"a": "1"}}, {"tags": {"a": "2"}},
                   type="aws:s3/bucket:Bucket"), Tier.MEDIUM, "aws-tags"),
        (operation("update", {"tags": {"a": "1"}, "x": 1}, {"tags": {"a": "2"}, "x": 2},
                   type="aws:s3/bucket:Bucket"), Tier.HIGH, NO_MATCH),
        (operation("create", None, {}, type="kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"),
         Tier.HIGH, "kubernetes-rbac"),
        (operation("create", None, {"spec": {"containers": [{"securityContext":
         {"privileged": True}}]}}, type="kubernetes:core/v1:Pod"), Tier.HIGH,
         "kubernetes-privileged"),
        (operation("create", None, {"spec": {"type": "LoadBalancer"}},
                   type="kubernetes:core/v1:Service"), Tier.HIGH, "kubernetes-reachable"),
        (operation("update", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}},
                   type="kubernetes:apps/v1:Deployment"), Tier.MEDIUM, "kubernetes-scale"),
        (operation("update", {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}},
                   {"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}},
                   type="kubernetes:apps/v1:Deployment"), Tier.HIGH, "kubernetes-image"),
        (operation("create", None, {}, type="kubernetes:networking.k8s.io/v1:NetworkPolicy"),
         Tier.HIGH, "kubernetes-network"),
    ],
)  # fmt: skip
def test_the_default_rules(found: dict[str, Any], tier: Tier, rule: str) -> None:
    assert Rules.load().judge(found) == (tier, rule)


@pytest.mark.parametrize(
    "kind", ["S3Bucket", "Ec2Instance", "EdgeBundle", "EvmContract", "EvmCall"]
)
def test_every_resource_of_ours_is_medium_with_our_provider(kind: str) -> None:
    found = operation("create", None, {"x": 1}, type=f"pulumi-python:dynamic/mandate:{kind}")

    assert Rules.load().judge(found) == (Tier.MEDIUM, "our-resources")


@pytest.mark.parametrize("op", ["create", "update", "metadata"])
def test_who_the_broker_is_is_high_with_our_provider_too(op: str) -> None:
    kind = "pulumi-python:dynamic/mandate:BrokerIdentity"
    found = operation(op, {"x": 1}, {"x": 2}, type=kind)

    assert Rules.load().judge(found) == (Tier.HIGH, "broker-identity")


@pytest.mark.parametrize(
    "provider",
    [
        OURS | {"package": "program"},
        OURS | {"package": ""},
        OURS | {"package": OURS["package"] + ",program"},
        OURS | {"module": "pulumi_mandate_evil.resources"},
        OURS | {"module": "__main__", "class": "(by value)", "package": "program"},
        OURS | {"module": "__main__", "class": "(several)", "package": "program"},
        {"mandate:v1": "secret", "commitment": "0x" + "11" * 32},
        "pulumi_mandate.resources",
        None,
    ],
)
def test_our_name_on_other_code_is_high(provider: Any) -> None:
    found = operation("create", None, {"__provider": provider}, type=BUCKET)

    assert Rules.load().judge(found) == (Tier.HIGH, NO_MATCH)


def test_without_a_provider_or_with_escaped_inputs_it_is_high() -> None:
    bare, escaped = operation("create", None, {}), operation("create", None, {})
    bare["after"] = {"inputs": {"x": 1}}
    escaped["after"] = {"inputs": {"mandate:v1": "escaped", "entries": [["__provider", OURS]]}}

    assert [Rules.load().judge(found)[0] for found in (bare, escaped)] == [Tier.HIGH, Tier.HIGH]


def test_two_owners_of_one_module_are_both_packages() -> None:
    both = OURS | {"package": f"{OURS['package']},{OURS['package']}"}

    assert Rules.load().judge(operation("create", None, {"__provider": both}))[0] == Tier.MEDIUM


def test_the_first_rule_that_matches_decides_and_none_means_high() -> None:
    rules = Rules.of(
        {
            "version": 1,
            "rule": [
                {**RULE, "id": "first", "ops": ["create"], "types": ["*S3*"], "tier": "high"},
                {**RULE, "id": "second", "ops": ["create"]},
            ],
        }
    )

    assert rules.judge(operation("create", None, {})) == (Tier.HIGH, "first")
    assert rules.judge(operation("create", None, {}, type="t")) == (Tier.MEDIUM, "second")
    assert rules.judge(operation("update", {}, {})) == (Tier.HIGH, NO_MATCH)
    assert rules.reason("first") == "because"
    assert "no rule matches" in rules.reason(NO_MATCH)


@pytest.mark.parametrize(
    ("before", "after"),
    [({"x": 1}, {"x": True}), ({"x": 0}, {"x": False}), ({"x": [0]}, {"x": [False]}),
     ({}, {"x": None}), ({"x": None}, {}), ({"x": []}, {"x": None}), ({"x": {}}, {"x": []}),
     ({"x": "1"}, {"x": 1})],
    ids=repr,
)  # fmt: skip
def test_what_python_calls_equal_is_a_change_all_the_same(before: Any, after: Any) -> None:
    table = [{**RULE, "paths": ["inputs.in.x*"]}, {**RULE, "id": "else", "tier": "high"}]
    rules = Rules.of({"version": 1, "rule": table})

    assert rules.judge(operation("update", {"in": before}, {"in": after}))[1] == "r"
    same = operation("update", {"in": before}, {"in": before, "y": 1})
    assert rules.judge(same)[1] == "else"


@pytest.mark.parametrize(
    ("after", "allowed"),
    [({"labels": {"a": 2}}, True), ({"labels": {}}, True), ({}, True), (None, True), (U, False),
     ("evil", False), ({"labels": U}, False), ({"labels": "evil"}, False),
     ({"mandate:v1": "escaped", "entries": [["labels", {"a": 2}], ["mandate:v1", 1]]}, False)],
    ids=repr,
)  # fmt: skip
def test_something_else_in_place_of_what_may_change_is_more_than_that(
    after: Any, allowed: bool
) -> None:
    rules = Rules.of({"version": 1, "rule": [{**RULE, "only_paths": ["inputs.m.labels.*"]}]})
    found = rules.judge(operation("update", {"m": {"labels": {"a": 1}}}, {"m": after}))

    assert (found[1] == "r") is allowed


def test_low_is_what_a_rule_calls_so_and_a_plan_of_it_is_low() -> None:
    rules = Rules.of({"version": 1, "rule": [{**RULE, "tier": "low"}]})

    assert rules.judge(operation("create", None, {}))[0] == Tier.LOW


def test_no_rules_make_everything_high() -> None:
    assert Rules.of({"version": 1, "rule": []}).judge(operation("create", None, {}))[0] == Tier.HIGH


def test_a_changed_word_changes_the_digest_and_a_comment_does_not(tmp_path: Path) -> None:
    text = 'version = 1\n[[rule]]\nid = "r"\nreason = "because"\ntier = "medium"\n'
    digests = []
    for content in (text, "# why\n" + text, text.replace("because", "Because")):
        (tmp_path / "rules.toml").write_text(content)
        digests.append(Rules.load(tmp_path / "rules.toml").digest)

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize(
    "content",
    [
        {"version": 2, "rule": []},
        {"version": 1},
        [],
        {"version": 1, "rule": [], "more": 1},
        {"version": 1, "rule": [{**RULE, "reason": "two\nlines"}]},
        {"version": 1, "rule": [{**RULE, "reason": "an \x1b[2J escape"}]},
        {"version": 1, "rule": [{**RULE, "ops": ["creates"]}]},
        {"version": 1, "rule": [{**RULE, "id": "overridden-check"}]},
        {"version": 1, "rule": [{**RULE, "tier": []}]},
        {"version": 1, "rule": [], "plan": [{**RULE}]},
        {"version": 1, "rule": [RULE], "plan": [{**RULE, "operations_over": 1}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "operations_over": "1"}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "operations_over": True}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "operations_over": -1}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "source_changed": 1}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "cost_over": 5}]},
        {"version": 1, "rule": [], "plan": [{**RULE, "cost_over": float("nan")}]},
        {"version": 1, "rule": [], "unknowns": {"unconstrained": "allow"}},
        {"version": 1, "rule": [], "unknowns": {"sensitive": []}},
        {"version": 1, "rule": [], "unknowns": []},
        {"version": 1, "rule": [], "constraint": [{"types": ["*"], "paths": ["*"]}]},
        {"version": 1, "rule": [], "constraint": [{**LIMIT, "equals": 1}]},
        {"version": 1, "rule": [], "constraint": [{**LIMIT, "pattern": "("}]},
        {"version": 1, "rule": [], "constraint": [{"types": ["*"], "pattern": "a"}]},
        {"version": 1, "rule": [], "constraint": [{"types": ["*"], "paths": ["*"], "one_of": []}]},
        {"version": 1, "rule": [], "validator": [{"id": "Cost"}]},
        {"version": 1, "rule": [], "validator": [{"id": "cost", "timeout": 61}]},
        {"version": 1, "rule": [], "validator": [{"id": "cost", "mandatory": 1}]},
        {"version": 1, "rule": [], "validator": [{"id": "cost", "settings": []}]},
        {"version": 1, "rule": [], "validator": [{"id": "cost"}, {"id": "cost"}]},
        {"version": 1, "rule": [{**RULE, "tier": "none"}]},
        {"version": 1, "rule": [{**RULE, "reason": ""}]},
        {"version": 1, "rule": [{**RULE, "typos": ["*"]}]},
        {"version": 1, "rule": [{**RULE, "ops": []}]},
        {"version": 1, "rule": [{**RULE, "id": "all is well"}]},
        {"version": 1, "rule": [{**RULE, "providers": "pulumi_mandate.*"}]},
        {"version": 1, "rule": [{**RULE, "ops": "create"}]},
        {"version": 1, "rule": [{**RULE, "ops": [1]}]},
        {"version": 1, "rule": [RULE, RULE]},
        {"version": 1, "rule": [{**RULE, "id": NO_MATCH}]},
        {"version": 1, "rule": ["x"]},
        {"version": 1, "rule": "x"},
    ],
)
def test_a_table_with_an_unknown_word_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Rules.of(content)


@pytest.mark.parametrize("content", [b"", b"[[", b"\xff"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rules.toml").write_bytes(content)

    with pytest.raises(UsageError):
        Rules.load(tmp_path / "rules.toml")


def test_a_missing_file_is_not_the_default(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Rules.load(tmp_path / "nothing.toml")
