"""`[previewer]` of the trust file: what a preview may reach on this machine.

A preview runs the program's code before anybody has approved it. Who may say what that code reaches
is the machine, never the checkout, so it stands beside the registry that the machine believes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost")
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NEVER = (
    # where keys sign
    "kms.*", "kms-fips.*", "cloudkms.*", "*.vault.azure.net", "*.managedhsm.azure.net",
    # where a machine gets its own credentials
    "169.254.*", "metadata", "metadata.*", "instance-data", "instance-data.*",
)  # fmt: skip
"""Whatever the list says: a preview signs nothing, and gets nobody's role."""


class Peer(NamedTuple):
    """A host and a port that a preview may reach; the host may begin with `*.`."""

    host: str
    port: int

    @property
    def here(self) -> bool:
        """Whether it is this machine's own loopback."""
        return self.host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Previewer:
    """What a preview may reach and use up. The defaults are those of an empty table."""

    required: bool = True
    """Refuse to preview where this machine cannot isolate; else it is done, and said."""
    user: str = ""
    """The OS user of the preview, where the gate runs as root; empty: the gate's own."""
    egress: tuple[Peer, ...] = ()
    """Beside these, nothing outside the preview's own loopback can be reached."""
    variables: tuple[str, ...] = ()
    """`pass`: environment variables beside those that every preview gets."""
    hide: tuple[str, ...] = ()
    """Paths beside those that are always hidden."""
    memory_mib: int = 8192
    """Of each process, and of all together."""
    disk_mib: int = 1024
    """Of each file, and of all that a preview may write."""
    processes: int = 512
    seconds: int = 1800
    """For one command of the engine."""

    def allows(self, host: str, port: int) -> bool:
        """Whether a preview may open a connection there, by the name that it asks for."""
        name = host.lower().rstrip(".")
        return not _is_never(name) and any(
            port == peer.port and fnmatchcase(name, peer.host) for peer in self.egress
        )


def parse_previewer(table: Mapping[str, Any], rpc: tuple[str, ...]) -> Previewer:
    """`rpc` are the endpoints that the gate asks about mandates: no preview speaks to them.

    Raises `ValueError`, `TypeError`.
    """
    known = {field.name for field in fields(Previewer)} - {"variables"} | {"pass"}
    unknown = sorted(table.keys() - known)
    if unknown:
        raise ValueError(f"[previewer] holds `{unknown[0]}`, which means nothing here")
    egress = tuple(_peer(text) for text in _texts(table, "egress"))
    for peer in egress:
        _check_peer(peer, rpc)
    variables = _texts(table, "pass")
    for name in variables:
        if not _VARIABLE.fullmatch(name) or name.startswith("MANDATE_"):
            raise ValueError(f"`pass` of [previewer] cannot name {name}")
    hide = _texts(table, "hide")
    if not all(path.startswith("/") for path in hide):
        raise ValueError("`hide` of [previewer] names absolute paths")
    required, user = table.get("required", True), table.get("user", "")
    if not isinstance(required, bool) or not isinstance(user, str):
        raise TypeError("`required` of [previewer] is true or false, `user` a name")
    amounts = {
        name: _positive(table, name, getattr(Previewer(), name))
        for name in ("memory_mib", "disk_mib", "processes", "seconds")
    }
    return Previewer(required, user, egress, variables, hide, **amounts)


def render_previewer(previewer: Previewer) -> list[str]:
    """Lines of TOML, which `parse_previewer` reads back to an equal value."""

    def texts(values: tuple[str, ...]) -> str:
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    return [
        "[previewer]",
        f"required = {str(previewer.required).lower()}",
        f'user = "{previewer.user}"',
        f"egress = {texts(tuple(f'{host}:{port}' for host, port in previewer.egress))}",
        f"pass = {texts(previewer.variables)}",
        f"hide = {texts(previewer.hide)}",
        f"memory_mib = {previewer.memory_mib}",
        f"disk_mib = {previewer.disk_mib}",
        f"processes = {previewer.processes}",
        f"seconds = {previewer.seconds}",
    ]


def _peer(text: str) -> Peer:
    host, _, port = text.rpartition(":")
    if not _NAME.fullmatch(host) or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"`egress` of [previewer] holds {text!r}, which is no host:port")
    return Peer(host.rstrip("."), int(port))


def _check_peer(peer: Peer, rpc: tuple[str, ...]) -> None:
    if _is_never(peer.host):
        raise ValueError(f"no preview reaches {peer.host}: keys sign there, or roles are given")
    for url in rpc:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        same = parts.hostname == peer.host or (parts.hostname in LOOPBACK and peer.here)
        if port == peer.port and (same or fnmatchcase(parts.hostname or "", peer.host)):
            raise ValueError(
                f"no preview reaches {peer.host}:{peer.port}: the chain is asked there"
            )


def _is_never(host: str) -> bool:
    return any(fnmatchcase(host, pattern) for pattern in _NEVER)


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(
        isinstance(text, str) and text.isprintable() and not set(text) & {'"', "\\"}
        for text in value
    ):
        raise TypeError(f"`{name}` of [previewer] is a list of plain texts")
    return tuple(value)


def _positive(table: Mapping[str, Any], name: str, default: int) -> int:
    value = table.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"`{name}` of [previewer] is a whole number above zero")
    return value
