from __future__ import annotations

import pulumi
import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate_components import (
    EdgeSite,
    EdgeSiteArgs,
    GovernedBucket,
    GovernedBucketArgs,
    GpuPool,
    GpuPoolArgs,
)
from pulumi_mandate_components._args import bearing, check_region

BUCKET = {"bucket": "acme-assets", "data_class": "public", "region": "eu-central-1"}
POOL = {
    "size": 2,
    "instance_type": "g5.xlarge",
    "ami": "ami-0123456789abcdef0",
    "data_class": "internal",
    "region": "eu-central-1",
}
SITE = {"site": "store-17", "data_class": "internal", "jurisdiction": "DE"}


@pytest.mark.parametrize(
    ("kind", "good", "change", "named"),
    [
        (GovernedBucketArgs, BUCKET, {"region": "mars"}, "region"),
        (GovernedBucketArgs, BUCKET, {"region": "eu-central-1\n"}, "region"),
        (GovernedBucketArgs, BUCKET, {"data_class": "secret"}, "data_class"),
        (GovernedBucketArgs, BUCKET, {"bucket": 5}, "bucket"),
        (GovernedBucketArgs, BUCKET, {"readers": ["*"]}, "readers.0"),
        (GovernedBucketArgs, BUCKET, {"versioning": "yes"}, "versioning"),
        (GovernedBucketArgs, BUCKET, {"acl": "public-read"}, "acl"),
        (GovernedBucketArgs, BUCKET, {"tags": {"team": 5}}, "tags.team"),
        (
            GovernedBucketArgs,
            BUCKET,
            {"data_class": "personal", "force_destroy": True},
            "force_destroy",
        ),
        (GpuPoolArgs, POOL, {"size": 0}, "size"),
        (GpuPoolArgs, POOL, {"size": 65}, "size"),
        (GpuPoolArgs, POOL, {"size": 1.5}, "size"),
        (GpuPoolArgs, POOL, {"instance_type": "t3.micro"}, "instance_type"),
        (GpuPoolArgs, POOL, {"instance_type": "p4d"}, "instance_type"),
        (EdgeSiteArgs, SITE, {"site": "../etc"}, "site"),
        (EdgeSiteArgs, SITE, {"jurisdiction": "Germany"}, "jurisdiction"),
        (EdgeSiteArgs, SITE, {"revision": 0}, "revision"),
        (EdgeSiteArgs, SITE, {"files": {"a": 1}}, "files.a"),
        (EdgeSiteArgs, SITE, {"config": None}, "config"),
    ],
)
def test_a_wrong_argument_is_named(kind, good, change, named):
    kind(**good)

    with pytest.raises(UsageError) as refused:
        kind(**(good | change))

    assert refused.value.happened.startswith(f"{kind.__name__}: ")
    assert f"{named}" in refused.value.happened


def test_the_value_itself_is_never_repeated():
    with pytest.raises(UsageError) as refused:
        GovernedBucketArgs(**(BUCKET | {"region": "hunter2", "tags": {"a": b"hunter2"}}))

    assert "hunter2" not in refused.value.diagnostics()


def test_all_missing_arguments_are_named_at_once():
    with pytest.raises(UsageError) as refused:
        GpuPoolArgs()

    for name in POOL:
        assert f"{name}: Field required" in refused.value.happened


def test_what_another_resource_will_give_is_taken(loop):
    later = pulumi.Output.from_input("x")

    GovernedBucketArgs(**(BUCKET | {"bucket": later, "kms_key": later, "tags": {"team": later}}))
    GpuPoolArgs(**(POOL | {"ami": later, "security_group_ids": [later]}))
    EdgeSiteArgs(**(SITE | {"config": {"deep": {"inside": later}}, "files": {"a": later}}))


def test_arguments_do_not_change_after_they_were_checked():
    args = GovernedBucketArgs(**BUCKET)

    with pytest.raises(ValueError, match="frozen"):
        args.region = "us-east-1"


@pytest.mark.parametrize(
    ("component", "args"),
    [(GovernedBucket, GovernedBucketArgs), (GpuPool, GpuPoolArgs), (EdgeSite, EdgeSiteArgs)],
)
def test_every_sensitive_input_is_an_argument(component, args):
    assert component.sensitive_inputs
    assert component.sensitive_inputs <= set(args.model_fields)


def test_what_is_borne_is_written_on_the_thing_and_nobody_else_writes_it():
    assert bearing("personal", "eu-central-1", {"team": "shop"}) == {
        "team": "shop",
        "mandate:data-class": "personal",
        "mandate:place": "eu-central-1",
    }
    with pytest.raises(UsageError, match="mandate:data-class is ours"):
        bearing("personal", "eu-central-1", {"mandate:data-class": "public"})


def test_the_declared_region_and_the_machines_must_agree(monkeypatch):
    with pytest.raises(UsageError, match="in no region"):
        check_region("eu-central-1")

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    check_region("eu-central-1")

    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(UsageError, match="would create it in us-east-1"):
        check_region("eu-central-1")
