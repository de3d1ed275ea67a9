"""One site's configuration at one revision, as bytes that are the same on every machine.

```json
{"schema": "mandate/edge-bundle/v1", "site": "store-17", "revision": 4,
 "files": {"agent.toml": "…"}, "config": {…},
 "notBefore": 0, "expiresAt": 1900000000,
 "binding": {"planHash": "0x…", "runId": "0x…", "chainId": 31337, "registry": "0x…"}}
```
`expiresAt` and `binding` may be null. Times are seconds since the epoch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pulumi_mandate.errors import InvalidDocument, MandateError, Refused, UsageError
from pulumi_mandate.models import Digest, digest, keccak, to_hex
from pulumi_mandate.plan.canonical import LARGEST_INTEGER, Limits, canonical_bytes, parse

SCHEMA = "mandate/edge-bundle/v1"
LIMITS = Limits(size=4 * 1024 * 1024, depth=32)
"""An agent on a constrained device must be able to hold it."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FIELDS = frozenset(
    {"schema", "site", "revision", "files", "config", "notBefore", "expiresAt", "binding"}
)
_BINDING_FIELDS = frozenset({"planHash", "runId", "chainId", "registry"})


def checked_name(value: object, what: str) -> str:
    """A site or inbox name: it becomes a file name, so it is a lower-case DNS label.

    Raises `UsageError`.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise UsageError(
            f"{what} is not a name",
            meaning="1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
        )
    return value


@dataclass(frozen=True, slots=True)
class Binding:
    """The mandate under which a bundle was delivered."""

    plan_hash: Digest
    run_id: Digest
    chain_id: int
    registry: str

    def as_json(self) -> dict[str, Any]:
        return {
            "planHash": to_hex(self.plan_hash),
            "runId": to_hex(self.run_id),
            "chainId": self.chain_id,
            "registry": self.registry,
        }

    @classmethod
    def from_json(cls, value: Any) -> Binding:
        if not isinstance(value, dict) or set(value) != _BINDING_FIELDS:
            raise ValueError("binding")
        return cls(
            digest(value["planHash"]),
            digest(value["runId"]),
            int(value["chainId"]),
            str(value["registry"]),
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """Raises `UsageError` on construction for values that no agent would accept."""

    site: str
    revision: int
    """At least 1, and higher than any that the site has seen."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Relative POSIX path to UTF-8 text."""
    config: Mapping[str, Any] = field(default_factory=dict)
    not_before: int = 0
    expires_at: int | None = None
    """The agent acts on it before this second only. None: until it is replaced."""
    binding: Binding | None = None

    def __post_init__(self) -> None:
        checked_name(self.site, "site")
        _checked_count(self.revision, "revision", least=1)
        _checked_count(self.not_before, "not_before")
        if self.expires_at is not None:
            _checked_count(self.expires_at, "expires_at", least=1)
            if self.expires_at <= self.not_before:
                raise UsageError("expires_at is not after not_before: no agent could ever use it")
        for path, content in self.files.items():
            _checked_path(path)
            if not isinstance(content, str):
                raise UsageError(f"the file {path} is not text")

    def to_bytes(self) -> bytes:
        """The payload that is signed. Raises `InvalidDocument` for what JSON cannot hold."""
        bound = None if self.binding is None else self.binding.as_json()
        return canonical_bytes(self._content() | {"binding": bound}, LIMITS)

    @property
    def content_digest(self) -> Digest:
        """What the site is told, whoever mandated it: a repeated delivery has the same."""
        return keccak(canonical_bytes(self._content(), LIMITS))

    def usable_at(self, now: int) -> bool:
        """Whether an agent may act on it at this second."""
        return self.not_before <= now and (self.expires_at is None or now < self.expires_at)

    def _content(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "site": self.site,
            "revision": self.revision,
            "files": dict(self.files),
            "config": dict(self.config),
            "notBefore": self.not_before,
            "expiresAt": self.expires_at,
        }

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        """Read a payload that somebody signed.

        Raises `InvalidDocument` for other bytes than `to_bytes` makes, and for another schema.
        """
        value = parse(data, LIMITS)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise InvalidDocument(f"this is not a bundle of the schema {SCHEMA}")
        if set(value) != _FIELDS:
            raise InvalidDocument("the bundle lacks a field or has one that we do not know")
        if not isinstance(value["files"], dict) or not isinstance(value["config"], dict):
            raise InvalidDocument("the bundle's files and config are not objects")
        try:
            bound = None if value["binding"] is None else Binding.from_json(value["binding"])
            return cls(
                value["site"],
                value["revision"],
                value["files"],
                value["config"],
                value["notBefore"],
                value["expiresAt"],
                bound,
            )
        except Refused:
            raise
        except (MandateError, ValueError, TypeError) as error:
            reason = error.happened if isinstance(error, MandateError) else "malformed binding"
            raise InvalidDocument(f"the bundle cannot be used: {reason}") from None


def _checked_count(value: object, what: str, *, least: int = 0) -> None:
    if type(value) is not int or not least <= value <= LARGEST_INTEGER:
        raise UsageError(f"{what} is not a whole number from {least} to 2^53 - 1")


def _checked_path(path: object) -> None:
    # The agent unpacks these below a folder of its own: nothing may lead out of it.
    if not isinstance(path, str) or not path or "\x00" in path or "\\" in path:
        raise UsageError("a file of the bundle has no usable path")
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or str(parts) != path or path == ".":
        raise UsageError(
            f"the path {path!r} is not a plain relative path",
            meaning="It would lead out of the agent's folder, or name one file in two ways.",
        )
