"""Infrastructure that changes only by mandate.

* `govern()`: the first line of a Pulumi program. A preview says where the mandate stands; a real
  update runs when, and only when, an approved, unspent plan allows exactly what the program wants.
* The dynamic resources `S3Bucket`, `Ec2Instance`, `EdgeBundle`, `EvmContract` and `EvmCall`, and
  `BrokerIdentity`, which says who the broker is.
* `GovernedProvider` and what belongs to it, for dynamic resources of your own
  (docs/reference/governed-providers.md).

```python
import pulumi_mandate

pulumi_mandate.govern()

bucket = pulumi_mandate.S3Bucket("logs", ...)
```

Everything else is for the `mandate` command and may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import MandateError, Refused
    from .gate.govern import govern
    from .models import Subject
    from .resources._permit import Permit
    from .resources.broker_identity import BrokerIdentity
    from .resources.ec2_instance import Ec2Instance
    from .resources.edge_bundle import EdgeBundle
    from .resources.evm_call import EvmCall
    from .resources.evm_contract import EvmContract
    from .resources.governed import (
        Found,
        GovernedInputs,
        GovernedOutputs,
        GovernedProvider,
        GovernedResource,
    )
    from .resources.s3_bucket import S3Bucket

__version__ = "0.1.0"

__all__ = [
    "govern",
    "BrokerIdentity",
    "EdgeBundle",
    "Ec2Instance",
    "EvmCall",
    "EvmContract",
    "S3Bucket",
    "Found",
    "GovernedInputs",
    "GovernedOutputs",
    "GovernedProvider",
    "GovernedResource",
    "Permit",
    "MandateError",
    "Refused",
    "Subject",
]

_HOMES = {
    "govern": ".gate.govern",
    "BrokerIdentity": ".resources.broker_identity",
    "EdgeBundle": ".resources.edge_bundle",
    "Ec2Instance": ".resources.ec2_instance",
    "EvmCall": ".resources.evm_call",
    "EvmContract": ".resources.evm_contract",
    "S3Bucket": ".resources.s3_bucket",
    "Found": ".resources.governed",
    "GovernedInputs": ".resources.governed",
    "GovernedOutputs": ".resources.governed",
    "GovernedProvider": ".resources.governed",
    "GovernedResource": ".resources.governed",
    "Permit": ".resources._permit",
    "MandateError": ".errors",
    "Refused": ".errors",
    "Subject": ".models",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that programs start fast (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
