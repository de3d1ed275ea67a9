"""The folder of a development chain and its people. Mode 0700: it holds their keys.

```
HOME/                       $MANDATE_DEV_HOME, or ~/.local/state/pulumi-mandate/dev
├── chain/                  journal and lock of the chain (`chain_service`)
├── cloud/                  state of the emulated cloud, KMS keys included
├── keys/                   a keystore and a passphrase file for each person
├── governance/             program, backend and passphrase of the stack that deployed the contracts
├── backend/                a Pulumi backend for the programs that are governed
├── subjects/               the commitment keys of the enrolled stacks
├── machine/                $MANDATE_HOME: runs, locks, edge inboxes and keys
├── store/                  the plan store
├── passphrase              of stacks on the backend above
├── ports.json              where chain and cloud listen: trust files name it, so it stays
└── trust.toml              what this machine believes
```
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_mandate.errors import UsageError

DEFAULT = Path(".local/state/pulumi-mandate/dev")


@dataclass(frozen=True, slots=True)
class DevHome:
    """Paths only; `prepare` makes the folders."""

    root: Path

    @classmethod
    def find(
        cls, root: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> DevHome:
        """`root`, else `$MANDATE_DEV_HOME`, else the default. Raises `UsageError`."""
        found = os.environ if environment is None else environment
        chosen = root or Path(found.get("MANDATE_DEV_HOME") or Path.home() / DEFAULT)
        if not chosen.is_absolute():
            raise UsageError(
                "the development home is not an absolute path",
                next_step="set MANDATE_DEV_HOME to one, or unset it",
            )
        return cls(chosen)

    @property
    def chain(self) -> Path:
        return self.root / "chain"

    @property
    def cloud(self) -> Path:
        return self.root / "cloud"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def governance(self) -> Path:
        return self.root / "governance"

    @property
    def backend(self) -> Path:
        return self.root / "backend"

    @property
    def subjects(self) -> Path:
        return self.root / "subjects"

    @property
    def machine(self) -> Path:
        return self.root / "machine"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def passphrase(self) -> Path:
        return self.root / "passphrase"

    @property
    def trust(self) -> Path:
        return self.root / "trust.toml"

    def prepare(self) -> None:
        """Make the folders and the passphrase, once. Raises `UsageError` where that fails."""
        try:
            for folder in (self.root, self.keys, self.governance, self.backend, self.subjects,
                           self.machine, self.store):  # fmt: skip
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise UsageError(
                f"the development home {self.root} cannot be made: {error.strerror}",
                next_step="set MANDATE_DEV_HOME to a folder that you may write",
            ) from None
        if not self.passphrase.exists():
            write_private(self.passphrase, secrets.token_urlsafe(32))

    def remembered(self, name: str) -> int | None:
        """A port of an earlier start."""
        try:
            value = json.loads((self.root / "ports.json").read_text()).get(name)
        except (OSError, ValueError):
            return None
        return value if isinstance(value, int) else None

    def remember(self, ports: Mapping[str, int]) -> None:
        """Keep the ports: trust files and plans name them."""
        write_private(self.root / "ports.json", json.dumps(dict(ports)))


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for the owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
