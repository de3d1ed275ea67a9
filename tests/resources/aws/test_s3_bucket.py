"""The bucket's provider against a real moto server: what it makes, notices, changes, refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.output import Unknown

from pulumi_mandate.errors import EngineError
from pulumi_mandate.resources.s3_bucket import S3BucketProvider

PROVIDER = S3BucketProvider()
IDENTITY = "0" * 31 + "1"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::mandate-logs/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    },
    indent=2,
)
CLOSED = {
    "block_public_acls": True,
    "ignore_public_acls": True,
    "block_public_policy": True,
    "restrict_public_buckets": True,
}


def checked(**inputs: Any) -> dict[str, Any]:
    """The inputs as the engine hands them on after a check without failures."""
    result = PROVIDER.check({}, {"bucket": "mandate-logs", "identity": IDENTITY} | inputs)
    assert [(f.property, f.reason) for f in result.failures] == []
    return result.inputs


def failures(**inputs: Any) -> dict[str, str]:
    result = PROVIDER.check({}, {"bucket": "mandate-logs"} | inputs)
    return {failure.property: failure.reason for failure in result.failures}


# --- check


def test_defaults_are_written_out_and_closed() -> None:
    assert checked() == {
        "identity": IDENTITY,
        "bucket": "mandate-logs",
        "versioning": False,
        "object_lock": False,
        "public_access_block": CLOSED,
        "encryption": {"algorithm": "AES256"},
        "tags": {},
        "force_destroy": False,
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-a-b",
        "a-b-",
        "a..b",
        "a.-b",
        "192.168.1.1",
        "xn--ab",
    ],
)
def test_a_bad_name_is_refused(name: str) -> None:
    assert list(failures(bucket=name)) == ["bucket"]


@pytest.mark.parametrize(
    ("inputs", "property_"),
    [
        ({"bukket": "x"}, "bukket"),
        ({"versioning": "yes"}, "versioning"),
        ({"versioning": 1}, "versioning"),
        (
            {"public_access_block": {"block_public_acl": True}},
            "public_access_block.block_public_acl",
        ),
        ({"encryption": {"algorithm": "ROT13"}}, "encryption.algorithm"),
        ({"encryption": {"algorithm": "aws:kms"}}, "encryption"),
        ({"encryption": {"kms_key": "arn"}}, "encryption"),
        ({"policy": "not json"}, "policy"),
        ({"policy": "[]"}, "policy"),
        ({"policy": '{"Statement": []}'}, "policy"),
        ({"policy": '{"Statement": [1], "Statement": [2]}'}, "policy"),
        ({"policy": "[" * 100_000}, "policy"),
        ({"tags": {"aws:x": "y"}}, "tags"),
        ({"tags": {"pulumi-mandate:operation": "y"}}, "tags"),
        ({"tags": {"": "y"}}, "tags"),
        ({"tags": {"k": "v" * 257}}, "tags"),
        ({"tags": {"k": 5}}, "tags.k"),
        ({"tags": {str(n): "" for n in range(49)}}, "tags"),
        ({"object_lock": True}, ""),
        ({"identity": "short"}, "identity"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_input_is_one_failure_with_its_property(inputs: dict, property_: str) -> None:
    assert list(failures(**inputs)) == [property_]


def test_every_bad_input_is_told_at_once() -> None:
    assert set(failures(bucket="X", versioning=3, nonsense=1)) == {
        "bucket",
        "versioning",
        "nonsense",
    }


def test_a_failure_does_not_repeat_the_value() -> None:
    reasons = failures(policy="hunter2-secret", tags={"k": 5}, versioning="hunter2-secret")

    assert "hunter2" not in str(reasons)


def test_what_is_unknown_is_not_judged_and_the_rest_is() -> None:
    result = PROVIDER.check({}, {"bucket": Unknown(), "tags": {"a": Unknown()}, "versioning": "x"})

    assert [failure.property for failure in result.failures] == ["versioning"]
    assert isinstance(result.inputs["bucket"], Unknown)
    assert result.inputs["public_access_block"] == CLOSED  # defaults are there all the same


def test_the_spelling_of_a_policy_does_not_matter() -> None:
    again = json.dumps(json.loads(POLICY), indent=None)

    assert checked(policy=POLICY) == checked(policy=again)


# --- diff


@pytest.mark.parametrize(
    ("change", "replaces", "first"),
    [
        ({"versioning": True}, [], False),
        ({"tags": {"team": "b"}}, [], False),
        ({"policy": POLICY}, [], False),
        ({"encryption": {"algorithm": "aws:kms", "kms_key": "k"}}, [], False),
        ({"public_access_block": CLOSED | {"block_public_acls": False}}, [], False),
        ({"bucket": "mandate-other"}, ["bucket"], False),
        ({"object_lock": True, "versioning": True}, ["object_lock"], True),
        ({"bucket": "mandate-other", "object_lock": True, "versioning": True}, None, False),
    ],
    ids=str,
)
def test_diff(change: dict, replaces: list[str] | None, first: bool) -> None:
    result = PROVIDER.diff("mandate-logs", checked() | {"arn": "x"}, checked(**change))

    assert result.changes is True
    assert set(result.replaces) == set(
        replaces or ["bucket", "object_lock"] if replaces is None else replaces
    )
    # two buckets cannot have one name at the same time
    assert result.delete_before_replace is first


def test_no_change_is_no_diff() -> None:
    state = checked() | {"arn": "x", "region": "us-east-1", "__provider": "old code"}

    assert PROVIDER.diff("mandate-logs", state, checked() | {"__provider": "new"}).changes is False


def test_a_new_identity_alone_is_no_diff() -> None:
    assert PROVIDER.diff("b", checked(), checked(identity="f" * 32)).changes is False


def test_an_unknown_input_counts_as_changed() -> None:
    result = PROVIDER.diff("mandate-logs", checked(), checked() | {"bucket": Unknown()})

    assert result.replaces == ["bucket"]
    assert result.delete_before_replace is False


# --- create, read, update, delete


def test_the_life_of_a_bucket(cloud: str, outside) -> None:
    s3 = outside("s3")
    made = PROVIDER.create(checked(tags={"team": "a"}, policy=POLICY, versioning=True))

    assert made.id == "mandate-logs"
    assert made.outs["arn"] == "arn:aws:s3:::mandate-logs"
    assert made.outs["region"] == "us-east-1"
    block = s3.get_public_access_block(Bucket=made.id)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert s3.get_bucket_versioning(Bucket=made.id)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket=made.id)["TagSet"] == [{"Key": "team", "Value": "a"}]
    assert json.loads(s3.get_bucket_policy(Bucket=made.id)["Policy"]) == json.loads(POLICY)

    news = checked(tags={"team": "b", "x": "y"})
    updated = PROVIDER.update(made.id, made.outs, news)
    assert updated.outs == news | {"arn": made.outs["arn"], "region": "us-east-1"}
    assert s3.get_bucket_versioning(Bucket=made.id)["Status"] == "Suspended"
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=made.id)

    PROVIDER.delete(made.id, updated.outs)
    assert s3.list_buckets()["Buckets"] == []
    PROVIDER.delete(made.id, updated.outs)  # twice is once


def test_what_was_made_reads_back_without_a_difference(cloud: str) -> None:
    inputs = checked(tags={"team": "a"}, policy=POLICY, versioning=True, object_lock=True)
    made = PROVIDER.create(inputs)

    read = PROVIDER.read(made.id, made.outs | {"__provider": "p"})

    assert read.id == made.id
    assert read.outs == made.outs
    assert read.inputs == inputs
    assert PROVIDER.diff(made.id, read.outs, inputs).changes is False


def test_drift_is_seen_part_by_part(cloud: str, outside) -> None:
    s3 = outside("s3")
    inputs = checked(tags={"team": "a"}, policy=POLICY)
    made = PROVIDER.create(inputs)
    s3.put_bucket_versioning(Bucket=made.id, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_public_access_block(Bucket=made.id)
    s3.delete_bucket_policy(Bucket=made.id)
    s3.delete_bucket_encryption(Bucket=made.id)
    s3.put_bucket_tagging(Bucket=made.id, Tagging={"TagSet": [{"Key": "team", "Value": "evil"}]})

    read = PROVIDER.read(made.id, made.outs)

    assert read.outs["versioning"] is True
    assert set(read.outs["public_access_block"].values()) == {False}
    assert "policy" not in read.outs
    assert read.outs["encryption"] != inputs["encryption"]
    assert read.outs["tags"] == {"team": "evil"}
    diff = PROVIDER.diff(made.id, read.outs, inputs)
    assert diff.changes is True
    assert diff.replaces == []
    PROVIDER.update(made.id, read.outs, inputs)
    repaired = PROVIDER.read(made.id, made.outs)
    assert repaired.inputs == inputs | {"encryption": repaired.inputs["encryption"]}


def test_a_bucket_that_is_gone_reads_as_gone(cloud: str, outside) -> None:
    made = PROVIDER.create(checked())
    outside("s3").delete_bucket(Bucket=made.id)

    assert PROVIDER.read(made.id, made.outs).id == ""


def test_a_create_that_was_cut_off_is_taken_up(cloud: str, outside, monkeypatch, permitted) -> None:
    inputs = checked(tags={"team": "a"})
    with monkeypatch.context() as patch:
        patch.setattr(
            "pulumi_mandate.resources.s3_bucket._configure",
            lambda *_: (_ for _ in ()).throw(KeyError),
        )
        with pytest.raises(KeyError):
            PROVIDER.create(inputs)
    assert len(outside("s3").list_buckets()["Buckets"]) == 1

    made = PROVIDER.create(inputs)

    assert PROVIDER.read(made.id, made.outs).inputs == inputs


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [{"Key": "team", "Value": "others"}],
        [{"Key": "pulumi-mandate:operation", "Value": "f" * 64}],
    ],
    ids=["none", "others", "another operation"],
)
def test_a_bucket_that_was_there_is_never_adopted(
    cloud: str, outside, permitted, tags: list
) -> None:
    s3 = outside("s3")
    s3.create_bucket(Bucket="mandate-logs")
    if tags:
        s3.put_bucket_tagging(Bucket="mandate-logs", Tagging={"TagSet": tags})

    with pytest.raises(EngineError, match="was not made by this operation"):
        PROVIDER.create(checked())
    with pytest.raises(s3.exceptions.ClientError):  # and nothing was changed on it
        s3.get_public_access_block(Bucket="mandate-logs")


def test_a_create_that_was_finished_and_forgotten_is_found_again(
    cloud: str, outside, permitted
) -> None:
    """Killed between the cloud's last answer and the state: the run goes on, and so does this."""
    inputs = checked(tags={"team": "a"})

    first, again = PROVIDER.create(inputs), PROVIDER.create(inputs)

    assert (first.id, first.outs) == (again.id, again.outs)
    read = PROVIDER.read(again.id, again.outs)
    assert read.inputs == inputs  # our own tag is no drift
    PROVIDER.update(again.id, again.outs, checked(tags={"team": "b"}))
    tags = outside("s3").get_bucket_tagging(Bucket=again.id)["TagSet"]
    assert {"Key": "pulumi-mandate:operation", "Value": permitted.key} in tags
    permitted.key = "e" * 64
    with pytest.raises(EngineError, match="was not made by this operation"):
        PROVIDER.create(inputs)


def test_without_a_mandate_nothing_is_taken_up(cloud: str) -> None:
    PROVIDER.create(checked())

    with pytest.raises(EngineError, match="was not made by this operation"):
        PROVIDER.create(checked())


def test_a_full_bucket_is_not_deleted_unless_a_plan_says_so(cloud: str, outside) -> None:
    s3 = outside("s3")
    made = PROVIDER.create(checked(versioning=True))
    for _ in range(2):
        s3.put_object(Bucket=made.id, Key="precious", Body=b"data")
    s3.delete_object(Bucket=made.id, Key="precious")  # leaves versions and a delete marker

    with pytest.raises(EngineError, match="force_destroy"):
        PROVIDER.delete(made.id, made.outs)
    assert len(s3.list_buckets()["Buckets"]) == 1
    PROVIDER.delete(made.id, made.outs | {"force_destroy": True})
    assert s3.list_buckets()["Buckets"] == []


def test_a_replacement_under_the_same_name(cloud: str) -> None:
    """As the engine does it after `delete_before_replace`: delete, then create."""
    made = PROVIDER.create(checked())
    news = checked(object_lock=True, versioning=True)

    PROVIDER.delete(made.id, made.outs)
    again = PROVIDER.create(news)

    assert PROVIDER.read(again.id, again.outs).outs["object_lock"] is True


def test_the_region_comes_from_the_environment_and_is_kept(cloud, outside, monkeypatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    made = PROVIDER.create(checked())
    assert made.outs["region"] == "eu-central-1"
    location = outside("s3").get_bucket_location(Bucket=made.id)["LocationConstraint"]
    assert location == "eu-central-1"

    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for act in (
        lambda: PROVIDER.read(made.id, made.outs),
        lambda: PROVIDER.update(made.id, made.outs, checked()),
        lambda: PROVIDER.delete(made.id, made.outs),
    ):
        with pytest.raises(EngineError, match="was made in eu-central-1"):
            act()
    assert len(outside("s3").list_buckets()["Buckets"]) == 1


def test_no_region_is_an_error(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(EngineError, match="no AWS region"):
        PROVIDER.create(checked())


def test_a_cloud_that_is_down_is_an_error(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_mandate.resources._aws.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(EngineError, match="create bucket mandate-logs: Could not connect"):
        PROVIDER.create(checked())


def test_create_with_an_unknown_or_bad_input_changes_nothing(cloud: str, outside) -> None:
    with pytest.raises(EngineError, match="unknown"):
        PROVIDER.create(checked() | {"policy": Unknown()})
    with pytest.raises(EngineError, match="not valid") as caught:
        PROVIDER.create(checked() | {"tags": {"k": 1}, "policy": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert outside("s3").list_buckets()["Buckets"] == []


def test_an_opening_never_meets_a_policy_that_goes_away(cloud: str, monkeypatch) -> None:
    """While public access is being opened, the old policy must already be gone."""
    from pulumi_mandate.resources import s3_bucket

    calls: list[str] = []
    real = s3_bucket.client("s3")

    class Watching:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(real, name)

    made = PROVIDER.create(checked(policy=POLICY))
    monkeypatch.setattr(s3_bucket, "client", lambda _: Watching())
    opened = checked(
        public_access_block=CLOSED | {"restrict_public_buckets": False},
        policy=POLICY.replace("Deny", "Allow"),
    )
    PROVIDER.update(made.id, made.outs, opened)

    order = [name for name in calls if "policy" in name or "public" in name]
    assert order[-3:] == ["delete_bucket_policy", "put_public_access_block", "put_bucket_policy"]


def test_a_tag_without_a_value(cloud: str) -> None:
    inputs = checked(tags={"flag": ""})
    made = PROVIDER.create(inputs)

    assert PROVIDER.read(made.id, made.outs).inputs == inputs
