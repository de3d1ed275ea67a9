"""Components that are governed by construction: closed defaults, checked arguments, declared data.

* `GovernedBucket`: a bucket with its policy, encryption, versions and closed public access.
* `GpuPool`: a number of GPU instances of one type.
* `EdgeSite`: what one edge site's agent is told, signed.

Every component says which data it bears and where, shows that in the plan, and names the inputs
that decide who can do what (`sensitive_inputs`). Arguments are checked before anything registers.

```python
from pulumi_mandate_components import GovernedBucket, GovernedBucketArgs

assets = GovernedBucket("assets", GovernedBucketArgs(
    bucket="acme-shop-assets", data_class="public", region="eu-central-1"))
```
"""

from ._args import DataClass
from .edge_site import EdgeSite, EdgeSiteArgs
from .governed_bucket import GovernedBucket, GovernedBucketArgs
from .gpu_pool import GpuPool, GpuPoolArgs

__all__ = [
    "DataClass",
    "EdgeSite",
    "EdgeSiteArgs",
    "GovernedBucket",
    "GovernedBucketArgs",
    "GpuPool",
    "GpuPoolArgs",
]
