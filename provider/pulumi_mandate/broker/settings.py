"""The broker's own file: who may ask, about which stacks, and for which roles.

It belongs to the broker's machine (docs/reference/broker.md). Chain, registry, endpoints, store and
the executor's key are in the trust file that it names, which is read as every trust file is.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.models import Address, Subject, checksum
from pulumi_mandate.owned import owned_text
from pulumi_mandate.svid import Files, SpiffeId

VERSION = 1
MAX_LIFE = 24 * 3600
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Runner:
    """A part that may begin runs."""

    id: SpiffeId
    address: Address
    """Its account on chain: the order's `runner`, and sender of `begin`."""
    controller: bool
    """Runs unattended from the commit a plan names. A shell of a person is none."""


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """The roles that the broker may assume for one stack. ARNs."""

    write: str
    read: str
    """Empty: nothing is given before a run."""
    widen: bool
    """Whether the whole role is given where no policy of the plan fits. Said either way."""
    region: str
    """Whose STS is asked."""


@dataclass(frozen=True, slots=True)
class KubernetesAccounts:
    """The service accounts whose tokens the broker may ask for, for one stack."""

    server: str
    authority: Path
    token: Path
    """Of the broker's own service account."""
    namespace: str
    write: str
    read: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One stack, who may run it, and what its runs get."""

    subject: Subject
    runners: tuple[SpiffeId, ...]
    aws: AwsRoles | None
    kubernetes: KubernetesAccounts | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the broker believes about who may ask it."""

    trust: Path
    log: Path
    id: SpiffeId
    """The broker's own."""
    host: str
    port: int
    files: Files
    longest: timedelta
    """How long a caller's certificate may live, from its first second to its last."""
    identity: Subject
    """The stack whose plans say who this broker is (`identity`)."""
    runners: Mapping[SpiffeId, Runner]
    subjects: tuple[Enrolled, ...]
    digest: str
    """SHA-256 of the file that says all this, 64 hexadecimal digits."""

    def enrolled(self, caller: SpiffeId, subject: Subject) -> tuple[Runner, Enrolled]:
        """Who the caller is and what his runs of this stack get. Raises `Refused`."""
        runner = self.runners.get(caller)
        found = next((one for one in self.subjects if one.subject == subject), None)
        if runner is None or found is None or caller not in found.runners:
            raise Refused(
                2,
                f"{caller} is not enrolled for {subject}",
                field="runner",
                expected=", ".join(map(str, found.runners)) or "nobody"
                if found
                else "a stack of the broker",
                found=str(caller),
                next_step="have the broker's operators enrol it, or ask from the enrolled machine",
            )
        return runner, found


def load_settings(path: Path) -> Settings:
    """Read and check the file. Raises `UsageError`, and `Refused` where it is somebody else's."""
    text = owned_text(
        path,
        "broker file",
        meaning="it says who gets credentials and signatures",
        absent="write it (docs/reference/broker.md) and name it with --config",
    )
    try:
        return parse_settings(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the broker file {path} is malformed: {error}",
            next_step="compare it with docs/reference/broker.md",
        ) from error


def parse_settings(text: str) -> Settings:
    """Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for what is wrong."""
    content = tomllib.loads(text)
    known = {"version", "trust", "log", "tls", "identity", "runners", "subjects"}
    _only(content, known, "the file")
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']!r} is unknown, {VERSION} is known")
    tls = content["tls"]
    _only(tls, {"id", "listen", "authority", "certificate", "key", "longest_seconds"}, "[tls]")
    listen = urlsplit(f"//{tls['listen']}")
    if not listen.hostname or listen.port is None:
        raise ValueError("`listen` is HOST:PORT")
    longest = tls.get("longest_seconds", 3600)
    if type(longest) is not int or not 0 < longest <= MAX_LIFE:
        raise ValueError(f"`longest_seconds` is at most {MAX_LIFE}")
    runners = {
        one.id: one for one in (_runner(*pair) for pair in content.get("runners", {}).items())
    }
    identity = content["identity"]
    _only(identity, {"backend", "name"}, "[identity]")
    subjects = tuple(_enrolled(table, runners) for table in content.get("subjects", []))
    if len({one.subject for one in subjects}) != len(subjects):
        raise ValueError("a stack is named twice")
    return Settings(
        trust=_path(content["trust"]),
        log=_path(content["log"]),
        id=SpiffeId.parse(tls["id"]),
        host=listen.hostname,
        port=listen.port,
        files=Files(*(_path(tls[name]) for name in ("authority", "certificate", "key"))),
        longest=timedelta(seconds=longest),
        identity=_subject(identity),
        runners=runners,
        subjects=subjects,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _runner(name: str, table: Mapping[str, Any]) -> Runner:
    _only(table, {"address", "kind"}, f"[runners.{name!r}]")
    if table["kind"] not in ("controller", "shell"):
        raise ValueError(f"{name} is a controller or a shell, not {table['kind']!r}")
    controller = table["kind"] == "controller"
    return Runner(SpiffeId.parse(name), checksum(table["address"]), controller)


def _enrolled(table: Mapping[str, Any], runners: Mapping[SpiffeId, Runner]) -> Enrolled:
    _only(table, {"backend", "name", "runners", "aws", "kubernetes"}, "[[subjects]]")
    named = tuple(SpiffeId.parse(one) for one in table["runners"])
    if unknown := [one for one in named if one not in runners]:
        raise ValueError(f"{unknown[0]} runs {table['name']} and is not in [runners]")
    return Enrolled(
        _subject(table),
        named,
        _aws(table["aws"]) if "aws" in table else None,
        _kubernetes(table["kubernetes"]) if "kubernetes" in table else None,
    )


def _subject(table: Mapping[str, Any]) -> Subject:
    organisation, project, stack = str(table["name"]).split("/")
    return Subject(str(table["backend"]), organisation, project, stack)


def _aws(table: Mapping[str, Any]) -> AwsRoles:
    _only(table, {"region", "write_role", "read_role", "where_too_long"}, "[subjects.aws]")
    choice = table.get("where_too_long", "refuse")
    if choice not in ("refuse", "widen"):
        raise ValueError("`where_too_long` is refuse or widen")
    region = table["region"]
    if not _NAME.fullmatch(region):
        raise ValueError(f"{region!r} is no region")
    roles = AwsRoles(table["write_role"], table.get("read_role", ""), choice == "widen", region)
    for role in filter(None, (roles.write, roles.read)):
        if not _ROLE.fullmatch(role):
            raise ValueError(f"{role!r} is no ARN of a role")
    return roles


def _kubernetes(table: Mapping[str, Any]) -> KubernetesAccounts:
    known = {"server", "authority", "token", "namespace", "write_account", "read_account"}
    _only(table, known | {"audiences"}, "[subjects.kubernetes]")
    server = urlsplit(table["server"])
    if server.scheme != "https" or not server.hostname or server.query:
        raise ValueError("`server` is https://HOST:PORT")
    space, write, read = (
        str(table.get(name, "")) for name in ("namespace", "write_account", "read_account")
    )
    if not all(_NAME.fullmatch(name) for name in (space, write, read or write)):
        raise ValueError("a namespace or an account has no name that Kubernetes knows")
    return KubernetesAccounts(
        server=table["server"].rstrip("/"),
        authority=_path(table["authority"]),
        token=_path(table["token"]),
        namespace=space,
        write=write,
        read=read,
        audiences=tuple(map(str, table.get("audiences", []))),
    )


def _path(text: str) -> Path:
    if not Path(text).is_absolute():
        raise ValueError(f"{text!r} is no absolute path")
    return Path(text)


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise ValueError(f"{where} holds `{unknown[0]}`, which means nothing here")
