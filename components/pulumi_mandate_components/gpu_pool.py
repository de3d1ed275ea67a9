"""`GpuPool`: a number of GPU instances of one type."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pulumi
from pydantic import Field

from pulumi_mandate import Ec2Instance

from ._args import Args, DataClass, Region, Tags, Text, bearing, check_region

GpuType = Annotated[
    str,
    Field(pattern=r"^(g4dn|g5|g5g|g6|g6e|gr6|p3|p3dn|p4d|p4de|p5|p5e|p5en)\.[a-z0-9]+$"),
]
"""An EC2 instance type with NVIDIA GPUs."""
LARGEST_POOL = 64
"""More is another pool: each instance is an operation that voters read."""


class GpuPoolArgs(Args):
    """`size`, `instance_type`, `ami`, `data_class` and `region` are needed."""

    size: Annotated[int, Field(ge=1, le=LARGEST_POOL)]
    instance_type: GpuType
    ami: Text
    """The image by id: a name may mean another image tomorrow."""
    data_class: DataClass
    region: Region
    subnet_id: Text | None = None
    security_group_ids: list[Text] | None = None
    """Without any: the subnet's default group."""
    termination_protection: bool = False
    tags: Tags = Field(default_factory=dict)


class GpuPool(pulumi.ComponentResource):
    """`size` instances, named `NAME-0` and so on: a larger pool creates, a smaller one deletes."""

    sensitive_inputs: ClassVar[frozenset[str]] = frozenset(
        {"instance_type", "ami", "data_class", "region", "subnet_id", "security_group_ids"}
    )
    """Arguments that decide what runs, where, and who reaches it."""

    instance_ids: pulumi.Output[list[str]]
    private_ips: pulumi.Output[list[str]]

    def __init__(
        self, name: str, args: GpuPoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Raises `UsageError` before anything is registered."""
        check_region(args.region)
        tags = bearing(args.data_class, args.region, args.tags)
        declared = {"data_class": args.data_class, "region": args.region, "size": args.size}
        super().__init__("mandate:gpu:GpuPool", name, declared, opts)
        instances = [
            Ec2Instance(
                f"{name}-{index}",
                args.instance_type,
                args.ami,
                subnet_id=args.subnet_id,
                security_group_ids=args.security_group_ids,
                termination_protection=args.termination_protection,
                tags=tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for index in range(args.size)
        ]
        self.instance_ids = pulumi.Output.all(*[one.id for one in instances])
        self.private_ips = pulumi.Output.all(*[one.private_ip for one in instances])
        self.register_outputs({"instance_ids": self.instance_ids, "private_ips": self.private_ips})
