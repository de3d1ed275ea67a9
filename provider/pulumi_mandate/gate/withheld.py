"""A stack for an attestor who may not read its secrets: the same state, with something else there.

State and settings are read as anybody may read them, encrypted. On a backend of its own, under a
passphrase of its own, every secret is the text `[withheld]`, and the preview sees that. The stack
itself is not touched. A program that must understand a secret (that parses it, or logs in with it)
cannot be previewed this way, and says so by failing.
"""

from __future__ import annotations

import base64
import pickle
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.code import PROPERTY
from pulumi_mandate.plan.program import stack_files
from pulumi_mandate.plan.raw import KEY_NAME
from pulumi_mandate.plan.values import SIGNATURE

from .engine import engine_json, run_engine
from .project import DIY_ORGANISATION, read_project
from .where import ProgramAt

JSON = Any
PLACEHOLDER = "[withheld]"
_PROVIDER = frozenset({"encryptionsalt", "secretsprovider", "encryptedkey"})
_AS_TEXT, _AS_JSON, _AS_CODE = "withheld:text", "withheld:json", "withheld:code"
_NO_CODE = base64.b64encode(pickle.dumps(object)).decode()
"""In place of a dynamic provider, which is read and never loaded."""


@contextmanager
def withheld_stack(
    program: ProgramAt, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[ProgramAt, dict[str, str]]]:
    """`program` with its files in `folder`, which is ours to write, and the environment to use.

    Raises `EngineError`, `UsageError` where the folder has no file of the stack.
    """
    from yaml import safe_dump

    name = program.stack.rpartition("/")[2]
    state = engine_json(["stack", "export", "--stack", program.stack], program.workdir, environment)
    file, settings = _settings(folder, name)
    with tempfile.TemporaryDirectory(prefix="mandate-withheld-") as backend:
        own = _environment(environment, Path(backend))
        file.unlink()
        file = folder / stack_files(name)[0]
        run_engine(["stack", "init", name], folder, own)
        for what, text in (
            (KEY_NAME, secrets.token_hex(32)),
            (_AS_TEXT, PLACEHOLDER),
            (_AS_JSON, f'"{PLACEHOLDER}"'),
            (_AS_CODE, f'"{_NO_CODE}"'),
        ):
            run_engine(["config", "set", "--secret", what, text, "--stack", name], folder, own)
        made = _read(file)
        config = {what: value["secure"] for what, value in made["config"].items()}
        settings["config"] = {
            what: _replaced(value, config[_AS_TEXT])
            for what, value in (settings.get("config") or {}).items()
        } | {KEY_NAME: made["config"][KEY_NAME]}
        salt = made["encryptionsalt"]
        kept = {what: value for what, value in settings.items() if what not in _PROVIDER}
        file.write_text(safe_dump(kept | {"encryptionsalt": salt}))
        latest = _withheld(state.get("deployment") or {}, config, "")
        latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
        _write_state(Path(backend), read_project(folder)["name"], name, latest)
        yield replace(program, workdir=folder, stack=name), own


def _environment(environment: Mapping[str, str], backend: Path) -> dict[str, str]:
    """On a backend and under a passphrase of its own; the real one is not even handed on."""
    kept = {k: v for k, v in environment.items() if not k.startswith("PULUMI_CONFIG_PASSPHRASE")}
    return kept | {
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
    }


def _settings(folder: Path, stack: str) -> tuple[Path, dict[str, JSON]]:
    for name in stack_files(stack):
        if (folder / name).is_file():
            return folder / name, _read(folder / name)
    raise UsageError(
        f"there is no {stack_files(stack)[0]} beside the program",
        meaning="The stack's settings are read from it, secrets and all.",
        next_step="fetch it from the repository",
    )


def _read(file: Path) -> dict[str, JSON]:
    from yaml import safe_load

    found = safe_load(file.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _replaced(value: JSON, ciphertext: str) -> JSON:
    """A setting with every secret in it replaced."""
    if isinstance(value, list):
        return [_replaced(item, ciphertext) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"secure"}:
        return {"secure": ciphertext}
    return {key: _replaced(item, ciphertext) for key, item in value.items()}


def _withheld(value: JSON, ciphertexts: Mapping[str, str], under: str) -> JSON:
    """A part of a state with every secret replaced; `under` is the key that it stands under."""
    if isinstance(value, list):
        return [_withheld(item, ciphertexts, under) for item in value]
    if not isinstance(value, dict):
        return value
    if SIGNATURE in value and "ciphertext" in value:
        kind = _AS_CODE if under == PROPERTY else _AS_JSON
        return value | {"ciphertext": ciphertexts[kind]}
    return {key: _withheld(item, ciphertexts, key) for key, item in value.items()}


def _write_state(backend: Path, project: str, stack: str, latest: JSON) -> None:
    checkpoint = {"stack": f"{DIY_ORGANISATION}/{project}/{stack}", "latest": latest}
    file = backend / ".pulumi" / "stacks" / project / f"{stack}.json"
    file.write_bytes(orjson.dumps({"version": 3, "checkpoint": checkpoint}))
