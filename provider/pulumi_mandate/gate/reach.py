"""What of this machine a preview's cell contains: variables, and paths that are not there.

Variables are an allow-list: a preview gets what an engine needs, what the plan binds, and what the
machine's `pass` names. Files are readable as they are for everybody, except those below, which hold
keys and journals or lead to other services.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.chain.trust import Trust, trust_path
from pulumi_mandate.errors import MandateError
from pulumi_mandate.svid import client_path, read_client

from .egress import proxy_environment
from .environment import NESTED_MARK, is_bound_by_value, is_harmless
from .folder import mandate_home

_PLAIN = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "NO_COLOR",
        "COLORTERM", "VIRTUAL_ENV", "CI", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
        "AWS_CA_BUNDLE", NESTED_MARK,
    }
)  # fmt: skip
_IN_HOME = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config/gcloud", ".config/gh",
    ".config/pulumi-mandate", ".local/state/pulumi-mandate", ".netrc", ".pgpass", ".pypirc",
    ".npmrc", ".git-credentials", ".vault-token", ".password-store", ".bash_history",
)  # fmt: skip
_ON_THE_MACHINE = ("/run", "/var/run", "/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/kubernetes")
"""`/run` is where services listen: docker, databases, agents, a broker."""
_SOCKETS = Path("/proc/net/unix")
_FILE_IN_URI = re.compile(r"(?:^keystore:(?://)?|=(?:file:(?://)?)?)(/[^?&;]+)")


def cell_environment(
    environment: Mapping[str, str], previewer: Previewer, folder: Path
) -> dict[str, str]:
    """The engine's environment in the cell; `folder` is the only one it may write."""
    passed = frozenset(previewer.variables)
    kept = {
        name: value
        for name, value in environment.items()
        if name in passed
        or name in _PLAIN
        or name.startswith("LC_")
        or is_harmless(name)
        or is_bound_by_value(name)
    }
    own = {"TMPDIR": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    # Else the clouds' libraries wait for an address that nobody answers.
    return kept | own | {"AWS_EC2_METADATA_DISABLED": "true"} | proxy_environment(previewer)


def hidden_paths(
    trust: Trust, environment: Mapping[str, str], needed: Iterable[Path]
) -> Iterator[Path]:
    """Files and folders that are not there in the cell, the nearest to the root first.

    `needed` stays: of a folder that holds it, everything else is hidden.
    """
    kept = sorted({path.resolve() for path in needed})
    found = {path.resolve() for path in _secret_paths(trust, environment)}
    hidden: list[Path] = []
    for path in sorted(found):
        if not any(path.is_relative_to(other) for other in hidden):
            hidden += _around(path, kept)
    yield from hidden


def needed_paths(workdir: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """What an engine has to find: program, backend, its home, its interpreter, its plugins."""
    yield from (workdir, Path(sys.prefix), Path(sys.base_prefix))
    yield from (Path(entry) for entry in sys.path if entry)
    yield from (Path(entry) for entry in environment.get("PATH", "").split(os.pathsep) if entry)
    backend = environment.get("PULUMI_BACKEND_URL", "")
    if backend.startswith("file://"):
        home = environment.get("HOME", "")
        yield Path(unquote(urlsplit(backend).path) or "/", *([home] if "~" in backend else []))
    for name in ("PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        if environment.get(name):
            yield Path(environment[name])
    yield Path(environment.get("HOME") or Path.home(), ".pulumi")


def _secret_paths(trust: Trust, environment: Mapping[str, str]) -> Iterator[Path]:
    assert trust.previewer is not None  # noqa: S101  # else there is no cell
    for home in {environment.get("HOME") or str(Path.home()), str(Path.home())}:
        yield from (Path(home, name) for name in _IN_HOME)
    yield from map(Path, (*_ON_THE_MACHINE, *trust.previewer.hide))
    yield from (trust_path(), mandate_home())
    for name in ("MANDATE_TRUST", "MANDATE_HOME", "MANDATE_DEV_HOME"):
        yield from (Path(source[name]) for source in (environment, os.environ) if source.get(name))
    clients = {client_path()}
    for key in (trust.executor, trust.runner, *trust.accounts.values()):
        if key is not None:
            yield from (Path(unquote(file)) for file in _FILE_IN_URI.findall(key.uri))
            if key.uri.startswith("broker:"):
                clients.add(Path(unquote(urlsplit(key.uri).path)))
    for client in clients:
        yield client
        # Whoever has this key is this machine to the broker, from wherever he asks.
        with suppress(MandateError):
            yield read_client(client).files.key
    # Sockets with a path are reached through files, whatever network one is in.
    try:
        lines = _SOCKETS.read_text().splitlines()[1:]
    except OSError:
        return
    yield from (
        Path(path)
        for _, slash, rest in (line.partition(" /") for line in lines)
        if slash
        for path in ("/" + rest,)
    )


def _around(path: Path, kept: Sequence[Path]) -> Iterator[Path]:
    """`path`, or where something kept is below it, whatever there is beside that."""
    if any(path.is_relative_to(other) for other in kept) or not os.path.lexists(path):
        return
    if not any(other.is_relative_to(path) for other in kept):
        yield path
        return
    for entry in sorted(path.iterdir()):
        yield from _around(entry, kept)
