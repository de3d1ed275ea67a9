"""Keys that never leave their home, and what each may be used for.

* `open_signer(uri, address)` opens a key whose address was pinned; `enrol(uri)` reads it once.
* `ExecutorKey` signs execution orders, renewals and outcomes: 65 bytes, and nothing else.
* `AccountKey` signs EIP-1559 transactions (runner, proposer, voters): raw bytes, and nothing else.
* `AttestorKey` signs attestations (one's own preview of a plan): 65 bytes, and nothing else.
* `VoterKey` signs ballots that somebody else carries to a governor: 65 bytes, and nothing else.
* `ReleaseKey` signs release manifests of the contracts: 65 bytes, and nothing else.
* `SeatKey` signs the calls of a council and its emergencies: 65 bytes, and nothing else.
* `ProofKey` answers a challenge, so that others see that the key works: 65 bytes, nothing else.
* `recover` says who signed a digest, strictly.

The key types share no method and none of them gives its signer away, so a key opened to sign
orders cannot be talked into paying for, or sending, a transaction. Every backend signs through one
gate (`_gate.py`): exactly 32 bytes in, low-s out, and the recovered address is the pinned one, or
an error.

```python
signer = open_signer("awskms:///alias/mandate-executor?region=eu-central-1", "0x…")
signature = ExecutorKey(signer).sign_order(domain, order)
```
"""

from ._curve import Signature, recover
from ._gate import Signer
from ._keystore import create_keystore
from ._open import SCHEMES, UNPROVEN, enrol, load_client, open_signer
from .account import AccountKey
from .attestor import AttestorKey
from .executor import ExecutorKey
from .possession import ProofKey
from .releaser import ReleaseKey
from .seat import SeatKey
from .voter import VoterKey

__all__ = [
    "SCHEMES",
    "UNPROVEN",
    "AccountKey",
    "AttestorKey",
    "ExecutorKey",
    "ProofKey",
    "ReleaseKey",
    "SeatKey",
    "Signature",
    "Signer",
    "VoterKey",
    "create_keystore",
    "enrol",
    "load_client",
    "open_signer",
    "recover",
]
