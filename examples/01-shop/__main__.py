"""A shop: pictures in a bucket, a pool of GPUs that tags them, and one store at the edge."""

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

REGION = "us-east-1"
TAGS = {"team": "shop", "cost-centre": "4711"}
config = pulumi.Config()

pictures = GovernedBucket(
    "pictures",
    GovernedBucketArgs(bucket="acme-shop-pictures", data_class="public", region=REGION, tags=TAGS),
)

tagger = GpuPool(
    "tagger",
    GpuPoolArgs(
        size=config.require_int("gpus"),
        instance_type="g5.xlarge",
        ami="ami-0abcdef1234567890",
        data_class="public",
        region=REGION,
        tags=TAGS,
    ),
)

store = EdgeSite(
    "store-17",
    EdgeSiteArgs(
        site="store-17",
        data_class="internal",
        jurisdiction="DE",
        config={"pictures": pictures.arn, "token": config.require_secret("storeToken")},
    ),
)

pulumi.export("pictures", pictures.name)
pulumi.export("taggers", tagger.instance_ids)
pulumi.export("store revision", store.revision)
