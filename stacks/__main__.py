"""The reference stack: one bucket of models, GPUs that serve them, and the sites that ask."""

import json

import pulumi

from pulumi_mandate import govern
from pulumi_mandate_components import (
    EdgeSite,
    EdgeSiteArgs,
    GovernedBucket,
    GovernedBucketArgs,
    GpuPool,
    GpuPoolArgs,
)

govern()

config = pulumi.Config()
region = config.require("region")
tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}

models = GovernedBucket(
    "models",
    GovernedBucketArgs(
        bucket=config.require("bucket"), data_class="confidential", region=region, tags=tags
    ),
)

serving = GpuPool(
    "serving",
    GpuPoolArgs(
        size=config.require_int("gpus"),
        instance_type="g6.xlarge",
        ami=config.require("ami"),
        data_class="confidential",
        region=region,
        termination_protection=False,
        tags=tags,
    ),
)

for site in json.loads(config.require("sites")):
    EdgeSite(
        site,
        EdgeSiteArgs(
            site=site,
            data_class="internal",
            jurisdiction="DE",
            config={"models": models.arn, "serving": serving.private_ips},
        ),
    )

pulumi.export("models", models.name)
pulumi.export("serving", serving.instance_ids)
