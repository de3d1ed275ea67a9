"""The trust file: which chain, which contracts, whose keys. It belongs to the machine.

Everything that decides what is believed comes from here and from nowhere else, so a pull request
cannot point us at another registry: a file inside a checkout or a Pulumi project is refused, and so
is one that somebody else may write.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Address, Domain, checksum
from pulumi_mandate.owned import owned_text

from .previewing import Previewer, parse_previewer, render_previewer

VERSION = 1
CONTRACTS = (
    "registry",
    "token",
    "access_manager",
    "executor_registry",
    "subjects",
    "obligations",
    "attestations",
    "ballot_relay",
    "council",
    "emergency_gate",
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Key(NamedTuple):
    """A signer's URI (`awskms:…`, `keystore:…`) and the address that is pinned for it."""

    uri: str
    address: Address


class Governors(NamedTuple):
    """One electorate, three sets of rules; high and critical plans share the strictest."""

    low: Address
    standard: Address
    critical: Address


@dataclass(frozen=True, slots=True)
class Trust:
    """What this machine believes in."""

    chain_id: int
    rpc: tuple[str, ...]
    """Endpoints that must agree; a URL may hold an access key, so never print one."""
    registry: Address
    token: Address
    access_manager: Address
    executor_registry: Address
    subjects: Address
    obligations: Address
    attestations: Address
    ballot_relay: Address
    council: Address
    emergency_gate: Address
    governors: Governors
    deployed_block: int
    """Where the history of the contracts begins."""
    development: bool = False
    """A chain of one machine, whose votes prove nothing to others: keystores are allowed here."""
    store_uri: str = ""
    executor: Key | None = None
    runner: Key | None = None
    accounts: Mapping[str, Key] = field(default_factory=dict)
    backend_ids: Mapping[str, str] = field(default_factory=dict)
    """Backend URL on this machine → the id that is enrolled on chain."""
    previewer: Previewer | None = None
    """What a preview may reach; None: whatever this user may."""

    @property
    def low_governor(self) -> Address:
        return self.governors.low

    @property
    def standard_governor(self) -> Address:
        return self.governors.standard

    @property
    def critical_governor(self) -> Address:
        return self.governors.critical

    @property
    def domain(self) -> Domain:
        return Domain(self.chain_id, self.registry)


def trust_path() -> Path:
    """`$MANDATE_TRUST`, or the file below the user's configuration folder."""
    named = os.environ.get("MANDATE_TRUST")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "pulumi-mandate" / "trust.toml"


def load_trust(path: Path | None = None) -> Trust:
    """Read and check the trust file.

    Raises `UsageError` where it is missing or malformed, `Refused` where its place or its
    permissions make it somebody else's.
    """
    path = trust_path() if path is None else path
    text = owned_text(
        path,
        "trust file",
        meaning="it says which chain and which registry this machine believes",
        absent="`mandate dev start` writes one for the development chain; "
        "else get yours from the operators, or set $MANDATE_TRUST",
    )
    try:
        return parse_trust(text)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"the trust file {path} is malformed: {error}",
            next_step="compare it with docs/reference/trust-file.md",
        ) from error


def parse_trust(text: str) -> Trust:
    """Parse the file's text. Raises `ValueError`, `KeyError` or `TypeError` for what it lacks."""
    content = tomllib.loads(text)
    known = {
        "version",
        "development",
        "chain",
        "contracts",
        "governors",
        "store",
        "executor",
        "runner",
        "accounts",
        "backends",
        "previewer",
    }
    _only(content, known, "the file")
    if content.get("version") != VERSION:
        raise ValueError(f"version {content.get('version')!r} is unknown, {VERSION} is known")
    development = content.get("development", False)
    if not isinstance(development, bool):
        raise TypeError("`development` is true or false")
    chain, contracts = _table(content, "chain"), _table(content, "contracts")
    _only(chain, {"id", "rpc"}, "[chain]")
    _only(contracts, {*CONTRACTS, "deployed_block"}, "[contracts]")
    governors = _table(content, "governors")
    _only(governors, set(Governors._fields), "[governors]")
    store = _table(content, "store", optional=True)
    _only(store, {"uri"}, "[store]")
    accounts = _table(content, "accounts", optional=True)
    rpc = _endpoints(chain["rpc"], development=development)
    return Trust(
        chain_id=_whole(chain, "id"),
        rpc=rpc,
        **{name: _address(contracts, name) for name in CONTRACTS},
        governors=Governors(*(_address(governors, name) for name in Governors._fields)),
        deployed_block=_whole(contracts, "deployed_block"),
        development=development,
        store_uri=_text(store, "uri") if store else "",
        executor=_key(content, "executor"),
        runner=_key(content, "runner"),
        accounts={name: _required_key(accounts, name) for name in accounts},
        backend_ids={url: str(name) for url, name in _table(content, "backends", True).items()},
        previewer=(
            parse_previewer(_table(content, "previewer"), rpc) if "previewer" in content else None
        ),
    )


def render_trust(trust: Trust) -> str:
    """The TOML text of a trust file; `parse_trust` reads it back to an equal value."""
    lines = [f"version = {VERSION}", f"development = {str(trust.development).lower()}", ""]
    lines += ["[chain]", f"id = {trust.chain_id}"]
    lines += [f"rpc = [{', '.join(_quote(url) for url in trust.rpc)}]", "", "[contracts]"]
    lines += [f"{name} = {_quote(getattr(trust, name))}" for name in CONTRACTS]
    lines += [f"deployed_block = {trust.deployed_block}", "", "[governors]"]
    lines += [f"{name} = {_quote(address)}" for name, address in trust.governors._asdict().items()]
    lines += [""]
    if trust.store_uri:
        lines += ["[store]", f"uri = {_quote(trust.store_uri)}", ""]
    keys = {"executor": trust.executor, "runner": trust.runner}
    keys |= {f"accounts.{_quote(name)}": key for name, key in trust.accounts.items()}
    for name, key in keys.items():
        if key is not None:
            lines += [f"[{name}]", f"uri = {_quote(key.uri)}"]
            lines += [f"address = {_quote(key.address)}", ""]
    if trust.backend_ids:
        lines += ["[backends]"]
        lines += [f"{_quote(url)} = {_quote(name)}" for url, name in trust.backend_ids.items()]
        lines += [""]
    if trust.previewer is not None:
        lines += render_previewer(trust.previewer)
    return "\n".join(lines).rstrip() + "\n"


def _endpoints(value: Any, *, development: bool) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(u, str) for u in value):
        raise TypeError("`rpc` is a list of at least one URL")
    for url in value:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an `rpc` endpoint is an http or https URL")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError(f"plain http is for loopback only, not for {parts.hostname}")
    if len(set(value)) != len(value):
        raise ValueError("`rpc` names one endpoint twice: it would only agree with itself")
    if len(value) < 2 and not development:
        raise ValueError("`rpc` needs two endpoints that must agree, except in development")
    return tuple(value)


def _table(content: Mapping[str, Any], name: str, optional: bool = False) -> Mapping[str, Any]:
    value = content.get(name, {} if optional else None)
    if not isinstance(value, Mapping):
        raise TypeError(f"[{name}] is missing")
    return value


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"{where} holds `{unknown[0]}`, which means nothing here")


def _whole(table: Mapping[str, Any], name: str) -> int:
    value = table[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"`{name}` is a whole number")
    return value


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table[name]
    if not isinstance(value, str) or not value:
        raise TypeError(f"`{name}` is a text")
    return value


def _address(table: Mapping[str, Any], name: str) -> Address:
    value = checksum(_text(table, name))
    if int(value, 16) == 0:
        raise ValueError(f"`{name}` is the zero address")
    return value


def _key(content: Mapping[str, Any], name: str) -> Key | None:
    return _required_key(content, name) if name in content else None


def _required_key(content: Mapping[str, Any], name: str) -> Key:
    table = _table(content, name)
    _only(table, {"uri", "address"}, f"[{name}]")
    return Key(_text(table, "uri"), _address(table, "address"))


def _quote(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
