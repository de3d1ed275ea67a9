"""The instance's provider against a real moto server."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.output import Unknown

from pulumi_mandate.errors import EngineError
from pulumi_mandate.resources import ec2_instance
from pulumi_mandate.resources.ec2_instance import Ec2InstanceProvider

PROVIDER = Ec2InstanceProvider()
IDENTITY = "a" * 32
AMI = "ami-0123456789abcdef0"


def checked(**inputs: Any) -> dict[str, Any]:
    given = {"instance_type": "g5.xlarge", "ami": AMI, "identity": IDENTITY} | inputs
    result = PROVIDER.check({}, given)
    assert [(f.property, f.reason) for f in result.failures] == []
    return result.inputs


def failures(**inputs: Any) -> list[str]:
    result = PROVIDER.check({}, {"instance_type": "g5.xlarge", "ami": AMI} | inputs)
    return [failure.property for failure in result.failures]


def alive(ec2: Any) -> list[dict[str, Any]]:
    reservations = ec2.describe_instances()["Reservations"]
    found = [instance for one in reservations for instance in one["Instances"]]
    return [instance for instance in found if instance["State"]["Name"] != "terminated"]


@pytest.mark.parametrize(
    ("inputs", "property_"),
    [
        ({"instance_type": "t3.micro"}, "instance_type"),
        ({"instance_type": "g5"}, "instance_type"),
        ({"instance_type": "p99.huge"}, "instance_type"),
        ({"ami": "latest"}, "ami"),
        ({"ami": None}, "ami"),
        ({"subnet_id": "subnet-xyz"}, "subnet_id"),
        ({"security_group_ids": ["sg-1"]}, "security_group_ids.0"),
        ({"security_group_ids": ["sg-01234567", "sg-01234567"]}, "security_group_ids"),
        ({"security_group_ids": "sg-01234567"}, "security_group_ids"),
        ({"termination_protection": "yes"}, "termination_protection"),
        ({"tags": {"pulumi-mandate:operation": "x"}}, "tags"),
        ({"count": 3}, "count"),
        ({"region": "eu-west-1"}, "region"),
        ({"endpoint": "http://stranger.example"}, "endpoint"),
    ],
    ids=str,
)
def test_a_bad_input_is_one_failure_with_its_property(inputs: dict, property_: str) -> None:
    assert failures(**inputs) == [property_]


def test_the_order_of_security_groups_does_not_matter() -> None:
    assert checked(security_group_ids=["sg-22222222", "sg-11111111"])["security_group_ids"] == [
        "sg-11111111",
        "sg-22222222",
    ]


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"tags": {"a": "b"}}, []),
        ({"termination_protection": True}, []),
        ({"security_group_ids": ["sg-22222222"]}, []),
        ({"security_group_ids": None}, ["security_group_ids"]),
        ({"instance_type": "g6.xlarge"}, ["instance_type"]),
        ({"ami": "ami-99999999"}, ["ami"]),
        ({"subnet_id": "subnet-22222222"}, ["subnet_id"]),
        ({"ami": Unknown()}, ["ami"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_diff(change: dict, replaces: list[str]) -> None:
    old = checked(security_group_ids=["sg-11111111"])
    news = {name: value for name, value in (old | change).items() if value is not None}

    result = PROVIDER.diff("i-1", old | {"private_ip": "10.0.0.1"}, news)

    assert result.changes is True
    assert result.replaces == replaces
    assert result.delete_before_replace is False  # instances have no name to collide


def test_the_life_of_an_instance(cloud: str, outside, ami: str) -> None:
    ec2 = outside("ec2")
    inputs = checked(ami=ami, tags={"team": "a"})
    made = PROVIDER.create(inputs)

    found = alive(ec2)
    assert [instance["InstanceId"] for instance in found] == [made.id]
    assert found[0]["InstanceType"] == "g5.xlarge"
    assert found[0]["Tags"] == [{"Key": "team", "Value": "a"}]
    assert made.outs["arn"].endswith(f":instance/{made.id}")
    assert made.outs["private_ip"] == found[0]["PrivateIpAddress"]
    read = PROVIDER.read(made.id, made.outs)
    assert (read.id, read.inputs, read.outs) == (made.id, inputs, made.outs)

    news = checked(ami=ami, tags={"team": "b", "x": "y"}, termination_protection=True)
    updated = PROVIDER.update(made.id, made.outs, news)
    assert PROVIDER.read(made.id, updated.outs).inputs == news
    assert {name: updated.outs[name] for name in ("arn", "private_ip", "region")} == {
        name: made.outs[name] for name in ("arn", "private_ip", "region")
    }

    with pytest.raises(EngineError, match="protected"):
        PROVIDER.delete(made.id, updated.outs)
    PROVIDER.update(made.id, updated.outs, inputs)
    PROVIDER.delete(made.id, made.outs)
    assert alive(ec2) == []
    PROVIDER.delete(made.id, made.outs)  # twice is once
    assert PROVIDER.read(made.id, made.outs).id == ""


def test_an_instance_nobody_knows_is_gone(cloud: str) -> None:
    state = checked() | {"region": "us-east-1"}

    assert PROVIDER.read("i-0123456789abcdef0", state).id == ""
    PROVIDER.delete("i-0123456789abcdef0", state)
    with pytest.raises(EngineError, match="it is gone"):
        PROVIDER.update("i-0123456789abcdef0", state, checked())


def test_subnet_and_groups(cloud: str, outside, ami: str) -> None:
    ec2 = outside("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = sorted(
        ec2.create_security_group(GroupName=name, Description="x", VpcId=subnet["VpcId"])["GroupId"]
        for name in ("one", "two")
    )
    inputs = checked(ami=ami, subnet_id=subnet["SubnetId"], security_group_ids=groups[:1])
    made = PROVIDER.create(inputs)
    assert PROVIDER.read(made.id, made.outs).inputs == inputs

    PROVIDER.update(made.id, made.outs, checked(**inputs | {"security_group_ids": groups}))

    read = PROVIDER.read(made.id, made.outs)
    assert read.inputs["security_group_ids"] == groups
    assert PROVIDER.diff(made.id, read.outs, inputs).changes is True


def test_drift_is_seen(cloud: str, outside, ami: str) -> None:
    ec2 = outside("ec2")
    inputs = checked(ami=ami, tags={"team": "a"})
    made = PROVIDER.create(inputs)
    ec2.create_tags(Resources=[made.id], Tags=[{"Key": "team", "Value": "evil"}])
    ec2.stop_instances(InstanceIds=[made.id])
    ec2.modify_instance_attribute(InstanceId=made.id, InstanceType={"Value": "p5.48xlarge"})

    read = PROVIDER.read(made.id, made.outs)

    assert read.outs["tags"] == {"team": "evil"}
    assert read.outs["instance_type"] == "p5.48xlarge"
    assert PROVIDER.diff(made.id, read.outs, inputs).replaces == ["instance_type"]


def test_one_operation_makes_one_instance_however_often_it_is_tried(
    cloud: str, outside, ami: str, permitted
) -> None:
    """moto forgets tokens: here the tag alone finds what was made."""
    inputs = checked(ami=ami, tags={"team": "a"})

    first, again = PROVIDER.create(inputs), PROVIDER.create(inputs)

    assert [instance["InstanceId"] for instance in alive(outside("ec2"))] == [first.id]
    assert (first.id, first.outs) == (again.id, again.outs)
    assert PROVIDER.read(again.id, again.outs).inputs == inputs  # our own tag is no drift
    PROVIDER.update(again.id, again.outs, checked(ami=ami, tags={}))
    assert PROVIDER.create(inputs).id == first.id  # an update leaves the tag alone
    permitted.key = "e" * 64  # a forced replacement, or another resource: another operation
    assert PROVIDER.create(inputs).id != first.id
    assert len(alive(outside("ec2"))) == 2


def test_without_a_mandate_equal_inputs_are_different_instances(
    cloud: str, outside, ami: str
) -> None:
    made = {PROVIDER.create(checked(ami=ami)).id for _ in range(2)}

    assert len(made) == len(alive(outside("ec2"))) == 2
    assert all("Tags" not in instance for instance in alive(outside("ec2")))


def test_the_cloud_is_told_to_demand_session_tokens(cloud: str, outside, ami: str) -> None:
    PROVIDER.create(checked(ami=ami))

    assert alive(outside("ec2"))[0]["MetadataOptions"]["HttpTokens"] == "required"


def test_a_subnet_that_does_not_exist_is_told_in_the_clouds_own_words(cloud) -> None:

    with pytest.raises(EngineError, match=r"launch instance: InvalidSubnetID\.NotFound"):
        PROVIDER.create(checked(subnet_id="subnet-01234567"))


def test_another_region_refuses_to_look(cloud, outside, ami, monkeypatch) -> None:
    made = PROVIDER.create(checked(ami=ami))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    with pytest.raises(EngineError, match="was made in us-east-1"):
        PROVIDER.read(made.id, made.outs)
    with pytest.raises(EngineError, match="was made in us-east-1"):
        PROVIDER.delete(made.id, made.outs)
    assert len(alive(outside("ec2"))) == 1


class RemembersTokens:
    """EC2 as its documentation says and moto does not do: a repeated token repeats the answer."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.answers: dict[str, Any] = {}
        self.forgets_tags = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def run_instances(self, **arguments: Any) -> Any:
        token = arguments["ClientToken"]
        if token not in self.answers:
            self.answers[token] = self.real.run_instances(**arguments)
        return self.answers[token]

    def describe_instances(self, **arguments: Any) -> Any:
        if self.forgets_tags and "Filters" in arguments:  # the search by tag lags behind
            return {"Reservations": []}
        return self.real.describe_instances(**arguments)


@pytest.fixture
def ec2_with_tokens(cloud: str, monkeypatch: pytest.MonkeyPatch) -> RemembersTokens:
    remembering = RemembersTokens(ec2_instance.client("ec2"))
    monkeypatch.setattr(ec2_instance, "client", lambda _: remembering)
    return remembering


def test_the_token_finds_what_the_search_by_tag_does_not_see_yet(
    ec2_with_tokens, outside, ami: str, permitted
) -> None:
    ec2_with_tokens.forgets_tags = True
    inputs = checked(ami=ami)

    assert PROVIDER.create(inputs).id == PROVIDER.create(inputs).id

    assert len(alive(outside("ec2"))) == 1
    assert list(ec2_with_tokens.answers) == [permitted.key]
    assert len(permitted.key) <= 64  # EC2's own limit


def test_what_was_terminated_meanwhile_is_not_made_again(
    ec2_with_tokens, outside, ami: str, permitted
) -> None:
    made = PROVIDER.create(checked(ami=ami))
    PROVIDER.delete(made.id, made.outs)

    with pytest.raises(EngineError, match=f"{made.id}.* was terminated meanwhile"):
        PROVIDER.create(checked(ami=ami))
    assert alive(outside("ec2")) == []


def test_a_leftover_with_other_inputs_is_not_adopted(cloud, outside, ami: str, permitted) -> None:
    left = PROVIDER.create(checked(ami=ami)).id

    with pytest.raises(EngineError, match=f"{left} was left by this operation"):
        PROVIDER.create(checked(ami=ami, instance_type="g6.xlarge"))
    assert len(alive(outside("ec2"))) == 1
