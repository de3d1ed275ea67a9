"""Which operations the gate has allowed and no provider has begun yet: one file an operation.

A hook guards the engine's door, and a program can be run without hooks. So our own providers ask
again, inside: `OperationCheck` gives a grant for each operation that it allows, and the provider
must find it before it calls its cloud. A provider is told its inputs and no URN; a grant is
therefore named by what both sides see, sealed with a key of this run: a short secret cannot be
guessed from a file's name. Taking a grant deletes it, and only one taker can: it is good once.

Grants of an earlier engine of the same run are void (`renew`), and the first refusal withdraws
whatever nobody has taken yet.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.plan.code import PROPERTY

from .wire import SECRET, SIGNATURE, HookCall, Moment

JSON = Any
STEP = 10


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation that may be done now."""

    urn: str
    index: int
    """Of the operation in the approved document; the same in a resumed run."""
    seconds: float = 0
    """How long it may take, as was voted on (`custom_timeouts`); 0 where nothing was said."""


class Grants:
    """The grants of one run. `run` is its folder."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "grants"

    def renew(self) -> None:
        """Begin anew, with no grants and another key: a new engine takes the run over."""
        self.withdraw()
        self._folder.mkdir(mode=0o700)
        descriptor = os.open(self._folder / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(32))
        finally:
            os.close(descriptor)

    def withdraw(self) -> None:
        """From now on nothing is granted."""
        with suppress(OSError):
            # The key first: without it a grant that is left over opens nothing.
            (self._folder / "key").unlink()
        shutil.rmtree(self._folder, ignore_errors=True)

    def give(self, call: HookCall, index: int, seconds: float = 0) -> None:
        """Grant an operation of a Python dynamic provider; nobody else ever asks.

        Raises `OSError` where that cannot be written, and then the operation must not go ahead.
        """
        seen = call.old_outputs if call.moment == "delete" else call.new_inputs
        if not isinstance(seen, Mapping) or PROPERTY not in seen:
            return
        file = self._folder / f"{self._seal(call.moment, call.id, seen)}-{index}"
        temporary = file.with_name(f".{file.name}")
        content = {"urn": call.urn, "index": index, "seconds": seconds}
        temporary.write_text(json.dumps(content))
        temporary.replace(file)

    def take(self, moment: Moment, id_: str, props: Mapping[str, JSON]) -> Grant:
        """The grant for what a provider is told: `id_` (empty before a create) and its properties,
        which are the new inputs, or before a delete the state.

        Raises `Refused` where there is none, or more than one.
        """
        try:
            seal = self._seal(moment, id_, props)
            found = list(self._folder.glob(f"{seal}-*"))
        except (OSError, TypeError, ValueError):
            found = []
        if len(found) > 1:
            raise Refused(
                STEP,
                f"{len(found)} allowed operations look alike to their provider, so this {moment} "
                "is refused: make the resources with GovernedResource, which tells them apart",
            )
        with suppress(OSError, ValueError, KeyError):
            for file in found:
                content = json.loads(file.read_text())
                file.unlink()  # one taker succeeds
                return Grant(str(content["urn"]), int(content["index"]), float(content["seconds"]))
        raise Refused(
            STEP,
            f"the gate has not allowed this {moment}: its run knows of no such operation with "
            "these very values, or it was done already. Nothing was sent to the cloud",
        )

    def _seal(self, moment: str, id_: str, props: Mapping[str, JSON]) -> str:
        text = json.dumps(
            [moment, "" if moment == "create" else id_, _as_told(props)],
            sort_keys=True,
            allow_nan=False,
        )
        key = (self._folder / "key").read_bytes()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _as_told(value: JSON) -> JSON:
    """A value as a provider is told it: no secrets' wrapping, no nulls, whole numbers as integers.

    Raises `TypeError` for what JSON cannot hold, such as an asset.
    """
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return _as_told(json.loads(value["plaintext"]))
        return {key: _as_told(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_as_told(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(type(value).__name__)
