"""`Ec2Instance`: one GPU instance. Several are several resources, so that a vote sees each of them.

The role needs ec2:RunInstances, ec2:TerminateInstances, ec2:CreateTags, ec2:DeleteTags,
ec2:ModifyInstanceAttribute, ec2:DescribeInstances and ec2:DescribeInstanceAttribute.

A launch bears the operation's key twice, as idempotency token and as a tag: a create that was cut
off finds its instance again, by the token at once and by the tag as long as it lives. Another run,
and so a forced replacement, has another key.
Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pulumi
from pulumi.dynamic import DiffResult
from pydantic import AfterValidator, Field

from ..errors import EngineError
from ._aws import (
    OPERATION,
    as_tags,
    checked_tags,
    client,
    code_of,
    from_tags,
    partition,
    region,
    same_region,
    told,
)
from ._permit import Permit
from .governed import Found, GovernedInputs, GovernedOutputs, GovernedProvider, GovernedResource

_GPU_TYPE = re.compile(
    r"(g4ad|g4dn|g5|g5g|g6|g6e|g6f|gr6|gr6f|p3|p3dn|p4d|p4de|p5|p5e|p5en|p6-b200)\.[a-z0-9]+"
)
_GONE_CODE = "InvalidInstanceID.NotFound"
_GONE_STATES = ("terminated", "shutting-down")
WAIT = {"Delay": 5, "MaxAttempts": 120}
"""Seconds between looks, and looks."""


def _gpu(instance_type: str) -> str:
    if not _GPU_TYPE.fullmatch(instance_type):
        raise ValueError(
            "not an instance type with GPUs that is known here (g4 to g6, gr6, p3 to p6)"
        )
    return instance_type


def _sorted(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("a security group is named twice")
    return sorted(values)


SecurityGroup = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]


class Ec2InstanceInputs(GovernedInputs):
    """What a plan shows of an instance. The metadata service always demands session tokens."""

    instance_type: Annotated[str, AfterValidator(_gpu)]
    ami: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$")
    """The image by id, never by name or alias: a name may mean another image tomorrow."""
    subnet_id: str | None = Field(default=None, pattern=r"^subnet-[0-9a-f]{8,17}$")
    security_group_ids: Annotated[list[SecurityGroup], AfterValidator(_sorted)] | None = None
    """Absent: the subnet's default group."""
    termination_protection: bool = False
    tags: Annotated[dict[str, str], AfterValidator(checked_tags)] = Field(default_factory=dict)


class Ec2InstanceOutputs(GovernedOutputs):
    """What the cloud adds, as far as it does not change while the instance lives."""

    arn: str
    private_ip: str
    availability_zone: str
    region: str


class Ec2InstanceProvider(GovernedProvider[Ec2InstanceInputs, Ec2InstanceOutputs]):
    """Create, read, update and delete of one instance. The id is the instance's."""

    model = Ec2InstanceInputs
    replaced_by: ClassVar[frozenset[str]] = frozenset({"instance_type", "ami", "subnet_id"})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        result = super().diff(_id, _olds, _news)
        named = "security_group_ids"
        if _olds.get(named) is not None and _news.get(named) is None:
            # which group the subnet would give is decided at launch only
            result.replaces = [*(result.replaces or []), named]
        return result

    def make(self, inputs: Ec2InstanceInputs, permit: Permit) -> tuple[str, Ec2InstanceOutputs]:
        with told("launch instance"):
            id_ = _launch(inputs, permit.key)
            client("ec2").get_waiter("instance_running").wait(InstanceIds=[id_], WaiterConfig=WAIT)
            return id_, _outputs(_describe(id_) or {})

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[Ec2InstanceOutputs] | None:
        same_region(state)
        with told(f"read instance {id_}"):
            instance = _describe(id_)
            if instance is None:
                return None
            found: dict[str, Any] = {
                "instance_type": instance["InstanceType"],
                "ami": instance["ImageId"],
                "termination_protection": _is_protected(id_),
                "tags": from_tags(instance.get("Tags")),
            }
            # what was left to the subnet stays so: naming it now would look like a change
            if state.get("subnet_id") is not None:
                found["subnet_id"] = instance.get("SubnetId", "")
            if state.get("security_group_ids") is not None:
                found["security_group_ids"] = _groups(instance)
            return Found(found, _outputs(instance))

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: Ec2InstanceInputs, permit: Permit
    ) -> Ec2InstanceOutputs:
        same_region(old)
        with told(f"update instance {id_}"):
            instance = _describe(id_)
            if instance is None:
                raise EngineError(f"update instance {id_}: it is gone; run a refresh")
            if inputs.termination_protection != _is_protected(id_):
                _protect(id_, inputs.termination_protection)
            if inputs.security_group_ids not in (None, _groups(instance)):
                client("ec2").modify_instance_attribute(
                    InstanceId=id_, Groups=inputs.security_group_ids
                )
            _set_tags(id_, from_tags(instance.get("Tags")), inputs.tags)
            return _outputs(instance)

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        """Terminate and wait until it is gone. Protection is respected: it is a separate change."""
        from botocore.exceptions import ClientError

        same_region(state)
        with told(f"terminate instance {id_}"):
            try:
                client("ec2").terminate_instances(InstanceIds=[id_])
            except ClientError as error:
                if code_of(error) == _GONE_CODE:
                    return
                if code_of(error) == "OperationNotPermitted":
                    raise EngineError(
                        f"terminate instance {id_}: it is protected; approve a plan that sets "
                        "termination_protection to False first"
                    ) from None
                raise
            client("ec2").get_waiter("instance_terminated").wait(
                InstanceIds=[id_], WaiterConfig=WAIT
            )


def _launch(inputs: Ec2InstanceInputs, key: str) -> str:
    """Launch, or find what an interrupted launch of this very operation left behind."""
    if not key:  # not governed: botocore's random token repeats a lost request, and nothing more
        return str(
            client("ec2").run_instances(**_arguments(inputs, {}))["Instances"][0]["InstanceId"]
        )
    if (left := _left_behind(inputs, key)) is not None:
        return left
    answer = client("ec2").run_instances(**_arguments(inputs, {OPERATION: key}), ClientToken=key)
    id_ = str(answer["Instances"][0]["InstanceId"])
    # a new instance may be unknown for a moment, which must not be taken for "gone"
    client("ec2").get_waiter("instance_exists").wait(InstanceIds=[id_], WaiterConfig=WAIT)
    # the answer of a repeated launch is the old one: only a fresh look tells what is there
    if _describe(id_) is None:
        raise EngineError(
            f"launch instance: {id_}, which this operation had made, was terminated meanwhile; "
            "another one needs another plan"
        )
    return id_


def _left_behind(inputs: Ec2InstanceInputs, key: str) -> str | None:
    """The instance that this operation made before it was cut off.

    The token alone finds it, too, but only for as long as EC2 remembers tokens.
    """
    answer = client("ec2").describe_instances(
        Filters=[
            {"Name": f"tag:{OPERATION}", "Values": [key]},
            {
                "Name": "instance-state-name",
                "Values": ["pending", "running", "stopping", "stopped"],
            },
        ]
    )
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            if (instance["InstanceType"], instance["ImageId"]) != (
                inputs.instance_type,
                inputs.ami,
            ):
                raise EngineError(
                    f"launch instance: {instance['InstanceId']} was left by this operation, but is "
                    "not what it asks for now; terminate it first"
                )
            return str(instance["InstanceId"])
    return None


def _arguments(inputs: Ec2InstanceInputs, owned: Mapping[str, str]) -> dict[str, Any]:
    tags = {**inputs.tags, **owned}
    arguments: dict[str, Any] = {
        "ImageId": inputs.ami,
        "InstanceType": inputs.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "DisableApiTermination": inputs.termination_protection,
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
    }
    if tags:
        arguments["TagSpecifications"] = [{"ResourceType": "instance", "Tags": as_tags(tags)}]
    if inputs.subnet_id is not None:
        arguments["SubnetId"] = inputs.subnet_id
    if inputs.security_group_ids is not None:
        arguments["SecurityGroupIds"] = inputs.security_group_ids
    return arguments


def _describe(id_: str) -> dict[str, Any] | None:
    """The instance, or None where it is gone or going."""
    from botocore.exceptions import ClientError

    try:
        answer = client("ec2").describe_instances(InstanceIds=[id_])
    except ClientError as error:
        if code_of(error) == _GONE_CODE:
            return None
        raise
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in _GONE_STATES:
                return dict(instance)
    return None


def _groups(instance: Mapping[str, Any]) -> list[str]:
    return sorted(group["GroupId"] for group in instance.get("SecurityGroups", []))


def _is_protected(id_: str) -> bool:
    answer = client("ec2").describe_instance_attribute(
        InstanceId=id_, Attribute="disableApiTermination"
    )
    return bool(answer["DisableApiTermination"]["Value"])


def _protect(id_: str, protected: bool) -> None:
    client("ec2").modify_instance_attribute(
        InstanceId=id_, DisableApiTermination={"Value": protected}
    )


def _set_tags(id_: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    gone = [{"Key": key} for key in sorted(set(found) - set(wanted))]
    new = {key: value for key, value in wanted.items() if found.get(key) != value}
    if gone:
        client("ec2").delete_tags(Resources=[id_], Tags=gone)
    if new:
        client("ec2").create_tags(Resources=[id_], Tags=as_tags(new))


def _outputs(instance: Mapping[str, Any]) -> Ec2InstanceOutputs:
    """Whether it runs or is stopped is no output."""
    id_, owner = instance.get("InstanceId", ""), instance.get("OwnerId", "")
    return Ec2InstanceOutputs(
        arn=f"arn:{partition()}:ec2:{region()}:{owner}:instance/{id_}",
        private_ip=instance.get("PrivateIpAddress", ""),
        availability_zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        region=region(),
    )


class Ec2Instance(GovernedResource, module="mandate", name="Ec2Instance"):
    """A governed GPU instance. The id is the instance's id."""

    arn: pulumi.Output[str]
    private_ip: pulumi.Output[str]
    availability_zone: pulumi.Output[str]
    region: pulumi.Output[str]
    instance_type: pulumi.Output[str]
    ami: pulumi.Output[str]

    def __init__(  # noqa: PLR0913  # one argument an input: the program reads like the plan
        self,
        resource_name: str,
        instance_type: pulumi.Input[str],
        ami: pulumi.Input[str],
        *,
        subnet_id: pulumi.Input[str] | None = None,
        security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        termination_protection: pulumi.Input[bool] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Absent arguments take the defaults of `Ec2InstanceInputs`."""
        props: dict[str, Any] = {
            "instance_type": instance_type,
            "ami": ami,
            "subnet_id": subnet_id,
            "security_group_ids": security_group_ids,
            "termination_protection": termination_protection,
            "tags": tags,
            "arn": None,
            "private_ip": None,
            "availability_zone": None,
            "region": None,
        }
        super().__init__(Ec2InstanceProvider(), resource_name, props, opts)
