"""A real SoftHSM token, one for all tests of a worker: its module reads its settings once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pkcs11 as pkcs11_module
import pytest
from pkcs11 import Attribute, KeyType
from pkcs11.util.ec import encode_named_curve_parameters

from pulumi_mandate.signing import _pkcs11
from pulumi_mandate.signing._uri import parse_key_uri
from tools import hsm_env

LABEL, OTHER, SHUT, PIN = "mandate", "other", "shut", "1234-5678"
"""`SHUT` is for tests that log this process out of a token."""


@dataclass(frozen=True)
class Token:
    """A software HSM with its PIN in a file."""

    module: Path
    folder: Path
    label: str = LABEL

    def at(self, label: str) -> Token:
        """Another token of the same module."""
        return replace(self, label=label)

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    def initialise(self, label: str) -> None:
        """One more token in a free slot."""
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(PIN + "\n")
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN,
             "--so-pin", "87654321"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip

    def uri(self, name: str, **changes: str) -> str:
        """Of a key by its label."""
        parts = {"module": str(self.module), "pin": f"file:{self.pin_file}", "token": self.label}
        parts |= changes
        return (
            f"pkcs11:token={parts['token']};object={name}"
            f"?module-path={parts['module']}&pin-source={parts['pin']}"
        )

    def session(self) -> Any:
        """The one session that this process has on the token, open for writing."""
        return pkcs11_module.lib(str(self.module)).get_token(token_label=self.label).open(rw=True)

    def new_key(self, name: str, curve: str = "1.3.132.0.10", **template: Any) -> str:
        """Make an EC key pair on the token; `template` is for its private half."""
        self._log_in()
        with self.session() as session:
            curve_of = encode_named_curve_parameters(curve)
            domain = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: curve_of}, local=True
            )
            private = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
            private |= {Attribute[key]: value for key, value in template.items()}
            domain.generate_keypair(
                store=True, label=name, id=name.encode(), private_template=private
            )
        return name

    def _log_in(self) -> None:
        """As the product does, because a process logs in once."""
        if self._session not in _pkcs11._sessions:
            _pkcs11._session(_pkcs11._place(parse_key_uri(self.uri("any"))))

    def log_out(self) -> None:
        """Whoever had a key open on it has it no more."""
        _pkcs11._sessions.pop(self._session).session.close()

    @property
    def _session(self) -> tuple[int, Path, str, None]:
        return (os.getpid(), self.module, self.label, None)


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """A real SoftHSM token. The module reads its configuration once in a process."""
    module = hsm_env.module()
    assert module is not None, "SoftHSM is missing: `make toolchain` with --browser installs it"
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made = Token(module, folder)
    for label in (LABEL, OTHER, SHUT):  # a module that is loaded sees no new tokens
        made.initialise(label)
    yield made
    del os.environ["SOFTHSM2_CONF"]
