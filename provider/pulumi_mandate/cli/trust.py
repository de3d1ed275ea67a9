"""`mandate trust show`: which chain, contracts and keys this machine believes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ._command import Call, TeachingGroup, command
from ._output import Answer

if TYPE_CHECKING:
    from ..chain.trust import Key


@click.group(
    "trust",
    cls=TeachingGroup,
    short_help="What this machine believes in.",
    examples=("mandate trust show",),
)
def trust() -> None:
    """What this machine believes in.

    The trust file belongs to the machine, never to a checkout: a pull request cannot point it at
    another registry.
    """


@command(
    "show",
    "Print the trust file as understood.",
    examples=("mandate trust show", "mandate trust show --json"),
)
def show(call: Call) -> Answer:
    """Print the trust file as it was understood, without what may be secret in its URIs."""
    found = call.session.trust
    data: dict[str, Any] = {
        "development": found.development,
        "chainId": found.chain_id,
        "rpc": [_without_secrets(url) for url in found.rpc],
        "contracts": {
            "registry": found.registry,
            **{f"{name}Governor": value for name, value in found.governors._asdict().items()},
            "token": found.token,
            "accessManager": found.access_manager,
            "executorRegistry": found.executor_registry,
            "subjects": found.subjects,
            "obligations": found.obligations,
            "attestations": found.attestations,
            "ballotRelay": found.ballot_relay,
            "council": found.council,
            "emergencyGate": found.emergency_gate,
        },
        "store": _without_secrets(found.store_uri),
        "executor": _key(found.executor),
        "runner": _key(found.runner),
        "accounts": {name: _key(key) for name, key in sorted(found.accounts.items())},
    }
    return Answer(data, _render(data))


trust.add_command(show)


def _key(key: Key | None) -> dict[str, str] | None:
    return {"address": key.address, "uri": _without_secrets(key.uri)} if key else None


def _without_secrets(uri: str) -> str:
    """User, password and, of the query, everything but what a reader needs to find the key."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.port:
        host = f"{host}:{parts.port}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _render(data: dict[str, Any]) -> str:
    lines = [
        f"chain      {data['chainId']}{'  (development)' if data['development'] else ''}",
        *(f"rpc        {url}" for url in data["rpc"]),
        *(f"{name:<17}{address}" for name, address in data["contracts"].items()),
        f"store      {data['store']}",
    ]
    keys = {"executor": data["executor"], "runner": data["runner"], **data["accounts"]}
    lines += [f"{name:<10} {key['address']}  {key['uri']}" for name, key in keys.items() if key]
    return "\n".join(lines)
