"""What an edge site is told, and what its agent accepts.

* `Bundle` is one site's configuration at one revision: files, settings, a window, and optionally
  the mandate under which it was delivered.
* `sign_bundle` and `open_bundle` put it into a signed envelope and take it out again (DSSE).
* `Inbox` is the folder through which it reaches an agent. An older revision, a wrong signature and
  a bundle outside its window are refused; what a site has seen is remembered outside the inbox.
* `EdgeMachine` says where all of that is on this machine. It never comes from a program.

```python
machine = EdgeMachine.from_environment()
envelope = sign_bundle(Bundle("store-17", 4, config={"shelf": 3}), machine.signing_key())
machine.inbox("stores").deliver(envelope, "store-17")
machine.inbox("stores").accept("store-17")      # what the agent runs
```
"""

from .bundle import Binding, Bundle
from .envelope import open_bundle, sign_bundle
from .inbox import Delivered, Inbox
from .keys import SigningKey, create_signing_key, load_trusted_keys
from .machine import EdgeMachine

__all__ = [
    "Binding",
    "Bundle",
    "Delivered",
    "EdgeMachine",
    "Inbox",
    "SigningKey",
    "create_signing_key",
    "load_trusted_keys",
    "open_bundle",
    "sign_bundle",
]
