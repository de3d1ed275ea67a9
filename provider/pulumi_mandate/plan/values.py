"""The engine's property values, turned into values of a document.

Total: a special object of a kind that is not in the table below is an error, never passed through.
Source of the signatures: `sdk/go/common/resource/sig` and `pkg/resource/stack` of Pulumi v3.259.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import orjson

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.models import to_hex

from . import markers
from .canonical import JSON, LARGEST_INTEGER
from .code import PROPERTY, describe
from .commitment import SubjectKey, commit, commitment
from .program import IGNORED_FOLDERS

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # a signature of the engine's format
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
BYTES = "803fd3297a5875dc03ca845dda5d2a98"
MASK = "[secret]"
_PYTHON_DYNAMIC = "pulumi-python:dynamic"

ANY_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""A text, and a value of every type in a saved plan."""
UNKNOWNS = frozenset(
    {
        ANY_UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_STACK_FILE = re.compile(r"Pulumi\..+\.ya?ml\Z")
_SENTINEL = re.compile("|".join([*sorted(UNKNOWNS), SIGNATURE]))

Properties = Mapping[str, Any]


class _NotYetKnown(Exception):  # a signal, not an error
    """A secret holds an unknown, so there is nothing to commit to yet."""


_CLOSED, _OUTPUTS, _OPTIONS = range(3)
"""Where paths begin that are none of an input, so that their commitments differ."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Converts the values of one resource; paths and commitments belong to its URN."""

    key: SubjectKey
    urn: str
    packages: Mapping[str, str]
    """Digest of the distribution that owns a top-level module; others belong to the program."""
    names: Mapping[str, dict[str, JSON]] = field(default_factory=dict)
    """Markers of the names that this preview drew; another preview draws others."""
    left_out: Sequence[str] = ()
    """What the program's digest leaves out, by path."""
    deployed: bool = False
    """Values of the state: nothing there can be unknown, so a sentinel was typed by somebody."""

    def properties(self, values: Properties) -> dict[str, JSON]:
        """All inputs of the resource."""
        converted = {
            key: self._provider(value)
            if key == PROPERTY and _PYTHON_DYNAMIC in self.urn
            else self.value(value, [key])
            for key, value in values.items()
        }
        return _named(converted)

    def outputs(self, values: Properties) -> dict[str, JSON]:
        """All outputs: elsewhere than inputs, so that an equal secret does not look equal."""
        return _named({key: self.value(value, [_OUTPUTS, key]) for key, value in values.items()})

    def option(self, name: str, value: JSON) -> JSON:
        """The value of a resource option."""
        return self.value(value, [_OPTIONS, name])

    def part(self, name: str, values: Properties) -> dict[str, JSON]:
        """The `inputs`, the `outputs` or the `options`."""
        if name == "options":
            return {option: self.option(option, value) for option, value in values.items()}
        return self.outputs(values) if name == "outputs" else self.properties(values)

    def value(self, value: JSON, path: list[str | int]) -> JSON:
        """One value. `path` is where it stands in the resource."""
        return self._convert(value, path, opened=False)

    def closed(self, name: str, values: Properties) -> dict[str, JSON]:
        """A commitment to a whole property map that voters need not read."""
        return commit(
            self.key, self.urn, [_CLOSED, name], self._convert(dict(values), [], opened=True)
        )

    def _convert(self, value: JSON, path: list[str | int], *, opened: bool) -> JSON:
        if isinstance(value, str):
            return self._text(value, opened=opened)
        if value is None or isinstance(value, bool | int | float):
            return _number(value)
        if isinstance(value, list):
            return [
                self._convert(item, [*path, index], opened=opened)
                for index, item in enumerate(value)
            ]
        if SIGNATURE in value:
            return self._special(value, path, opened=opened)
        converted = {}
        for key, item in value.items():
            _refuse_sentinel(key)
            converted[key] = self._convert(item, [*path, key], opened=opened)
        return _entries(converted) if markers.KEY in value else converted

    def _text(self, text: str, *, opened: bool) -> JSON:
        if text in UNKNOWNS and not self.deployed:
            if opened:
                raise _NotYetKnown
            return markers.unknown()
        _refuse_sentinel(text)
        if text in self.names and not opened:
            return dict(self.names[text])
        return text

    def _special(self, value: dict[str, Any], path: list[str | int], *, opened: bool) -> JSON:
        kind = value[SIGNATURE]
        if kind == SECRET and isinstance(value.get("plaintext"), str):
            return self._secret(orjson.loads(value["plaintext"]), path, opened=opened)
        if kind in (ASSET, ARCHIVE):
            return self._asset(value, path, opened=opened)
        if kind == REFERENCE:
            identity = value.get("id")
            if identity == "" and not self.deployed:
                identity = ANY_UNKNOWN  # of a resource that is not there yet
            return markers.reference(
                str(value["urn"]), self._convert(identity, path, opened=opened)
            )
        if kind == BYTES:
            return markers.raw_bytes(str(value["value"]))
        raise IncompletePlan(
            f"a value of {self.urn} is of a special kind that this version does not know",
            meaning="It may be a secret that was not decrypted, NaN, or something newer.",
        )

    def _asset(self, value: dict[str, Any], path: list[str | int], *, opened: bool) -> JSON:
        """By content. Providers in Python drop a file's hash: the program's digest binds it."""
        archive = value[SIGNATURE] == ARCHIVE
        content, text, entries = value.get("hash"), value.get("text"), value.get("assets")
        if content:
            return markers.asset(archive=archive, content=str(content))
        if isinstance(text, str):
            shown = self._text(text, opened=opened)
            content = hashlib.sha256(text.encode()).hexdigest()
            return markers.asset(archive=archive, content=content) if shown == text else shown
        if isinstance(entries, dict):
            converted = self._convert(entries, path, opened=opened)
            return markers.asset(archive=archive, entries=converted)
        where = PurePosixPath(str(value.get("path") or "/"))
        outside = where.is_absolute() or ".." in where.parts
        if outside or not (self.deployed or self._is_digested(where)):
            raise IncompletePlan(
                f"{self.urn} uses a file or archive whose content is not known",
                meaning="Neither the engine nor the program's digest says what is in it.",
                next_step="put it into the program's folder, name it by a relative path, and keep "
                "out of it what no digest holds: __pycache__, node_modules and the like",
            )
        return markers.asset(archive=archive, path=where.as_posix())

    def _is_digested(self, where: PurePosixPath) -> bool:
        """Whether the program's digest says what is at a place, and in it."""
        if IGNORED_FOLDERS.intersection(where.parts) or _STACK_FILE.match(where.name):
            return False
        # Wherever `main` of Pulumi.yaml says that the program stands.
        inside = f"/{where.as_posix()}/"
        return not any(where.name == "" or inside in f"/{name}" for name in self.left_out)

    def _secret(self, inner: JSON, path: list[str | int], *, opened: bool) -> JSON:
        if opened:
            return self._convert(inner, path, opened=True)
        try:
            return commit(self.key, self.urn, path, self._convert(inner, path, opened=True))
        except _NotYetKnown:
            return markers.unknown(secret=True)

    def _provider(self, value: JSON) -> JSON:
        if isinstance(value, dict) and value.get(SIGNATURE) == SECRET and "plaintext" in value:
            value = orjson.loads(value["plaintext"])
        if not isinstance(value, str) or value in UNKNOWNS:
            return self.value(value, [PROPERTY])
        code = describe(value)
        parts = code.module.split(".")
        package = self.packages.get(parts[0], "program")
        if package == "program" and not self.deployed and IGNORED_FOLDERS.intersection(parts):
            raise IncompletePlan(
                f"the provider of {self.urn} is code that no digest holds: {code.module}",
                meaning="The program's digest leaves that folder out, so it may say anything else.",
                next_step="move the module into the program, or install it as a package",
            )
        # A commitment and no digest: a provider may have captured secrets.
        stream = to_hex(commitment(self.key, self.urn, [PROPERTY], code.stream))
        return markers.provider_code(code.module, code.name, package, stream)


def masked(value: JSON) -> JSON:
    """The value as the engine's JSON steps show it."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return MASK
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def same_json(left: JSON, right: JSON) -> bool:
    """Equal as JSON: unlike Python's `==`, true is not 1."""
    option = orjson.OPT_SORT_KEYS
    return orjson.dumps(left, option=option) == orjson.dumps(right, option=option)


def _number(value: JSON) -> JSON:
    """Numbers are doubles on the engine's wire, so a larger integer already is one."""
    if type(value) is int and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return float(value)
    return value


def _named(converted: dict[str, JSON]) -> dict[str, JSON]:
    for key in converted:
        _refuse_sentinel(key)
    return _entries(converted) if markers.KEY in converted else converted


def _entries(converted: dict[str, JSON]) -> dict[str, JSON]:
    return markers.escaped([[key, item] for key, item in converted.items()])


def _refuse_sentinel(text: str) -> None:
    if _SENTINEL.search(text):
        raise IncompletePlan(
            "a text holds one of the engine's own sentinels",
            meaning="It would be read as something else by another part of the engine.",
            next_step="remove the literal from the program or the configuration",
        )
