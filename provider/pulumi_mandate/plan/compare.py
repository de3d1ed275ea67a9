"""What differs between the plan that was approved and the plan that would run.

Equal means: same subject, program, toolchain, rules and configuration, and the same operations. The
one lawful difference is refinement: an unknown may have become known. Checks were made again and
may not say anything worse, and the tier may not be higher. Window, salt, proposer and the readable
parts that follow from the operations are not compared: they belong to the proposal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .assessment import worse
from .canonical import JSON, canonical_bytes
from .constraint import broken
from .document import Document, order
from .markers import is_marker, is_unknown
from .names import is_like
from .withheld import hidden_code, open_operations, without_secrets

_LONGEST = 200
_EXACT = ("schema", "kind", "subject", "rules", "secretKeyId", "config", "toolchain")
_JUDGED = frozenset({"tier", "rule"})
_ABSENT = "absent"
_RANDOM_END = re.compile(r'[0-9A-Za-z]{4,32}"[0-9A-Za-z]{4,32}"')

Operation = dict[str, Any]
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two plans differ; values are escaped and shortened for people."""

    field: str
    """Dotted, such as `operations.urn:…::bucket.update.after.inputs.acl`."""
    expected: str
    found: str

    @property
    def drawn_again(self) -> bool:
        """Whether it looks like a name that was drawn twice: two texts with another random end."""
        if ".after.inputs." not in self.field or len(self.expected) != len(self.found):
            return False
        pairs = enumerate(zip(self.expected, self.found, strict=True))
        same = next((index for index, (one, other) in pairs if one != other), 0)
        return _RANDOM_END.fullmatch(self.expected[same:] + self.found[same:]) is not None


def differences(approved: Document, found: Document, *, resuming: bool = False) -> list[Difference]:
    """Everything in `found` that `approved` does not allow; empty means "may run".

    With `resuming`, `found` may lack operations (the caller checks in the state that they are
    done), and an operation may stand at a later point of the same approved change.
    """
    result = _frame(approved.content, found.content, _EXACT)
    if approved.content["base"] is not None and not resuming:
        result += exactly("base", approved.content["base"], found.content["base"])
    tiers = [document.content["tier"]["tier"] for document in (approved, found)]
    if tiers[1] > tiers[0]:
        result.append(_difference("tier", *tiers))
    checks = (document.content["checks"] for document in (approved, found))
    result += [_difference(f"checks.{part}", *pair) for part, *pair in worse(*checks)]
    return result + list(_operations(approved.content, found.content, resuming=resuming))


def open_differences(approved: Document, found: Document) -> list[Difference]:
    """The same for somebody who may not read the secrets, nor so the state that the base names."""
    parts = tuple(part for part in _EXACT if part != "secretKeyId")
    ours, theirs = (
        document.content
        | {
            "config": without_secrets(document.content["config"]),
            "operations": open_operations(document.operations),
        }
        for document in (approved, found)
    )
    result = _frame(ours, theirs, parts) + list(_operations(ours, theirs, resuming=False))
    codes = [hidden_code(document.operations) for document in (approved, found)]
    for urn in sorted(codes[0].keys() & codes[1].keys()):
        result += exactly(
            f"operations.{urn}.update.after.inputs.__provider", *[c[urn] for c in codes]
        )
    return result


def refines(approved_value: JSON, found_value: JSON) -> bool:
    """Whether `found_value` is `approved_value`, or what its unknowns have lawfully become.

    A partial order: reflexive, antisymmetric, transitive. A secret unknown becomes a commitment and
    nothing else; a property that vanishes is never a refinement.
    """
    return next(unlawful("", approved_value, found_value), None) is None


def _frame(approved: Content, found: Content, parts: tuple[str, ...]) -> list[Difference]:
    result = [
        difference for part in parts for difference in exactly(part, approved[part], found[part])
    ]
    ours, theirs = approved["program"]["digest"], found["program"]["digest"]
    return result + list(exactly("program.digest", ours, theirs))


def _operations(approved: Content, found: Content, *, resuming: bool) -> Iterator[Difference]:
    wanted = {order(operation): operation for operation in approved["operations"]}
    unknowns: dict[tuple[str, str], list[Any]] = {}
    for entry in approved["unknowns"]:
        unknowns.setdefault((entry["urn"], entry["op"]), []).append(entry)
    seen = set()
    for operation in found["operations"]:
        key = order(operation)
        if key not in wanted and resuming:
            key = _earlier(operation, wanted)
        name = f"operations.{operation['urn']}.{operation['op']}"
        if key not in wanted:
            yield Difference(name, _ABSENT, "an operation that was not approved")
            continue
        seen.add(key)
        yield from _operation(name, wanted[key], operation)
        entries = unknowns.get(key[:2], ())
        for path, wanted_there in broken(
            entries, approved["sensitive"], key[:2], operation["after"]
        ):
            told = "a value that it does not allow"  # it may be a secret
            yield Difference(f"{name}.after.{path}", wanted_there, told)
    if not resuming:
        for key in wanted.keys() - seen:
            yield Difference(f"operations.{key[0]}.{key[1]}", "an operation", _ABSENT)


def _operation(name: str, approved: Operation, found: Operation) -> Iterator[Difference]:
    if approved["op"] == found["op"]:
        ours, theirs = (_unjudged(operation) for operation in (approved, found))
    else:
        ours, theirs = (_rest(operation, approved) for operation in (approved, found))
    for part in sorted(ours):
        yield from unlawful(f"{name}.{part}", ours[part], theirs[part])
    if found["tier"] > approved["tier"]:
        yield Difference(f"{name}.tier", str(approved["tier"]), str(found["tier"]))


def _unjudged(operation: Operation) -> Operation:
    return {part: value for part, value in operation.items() if part not in _JUDGED}


def _rest(operation: Operation, approved: Operation) -> Operation:
    """What a step at a later point of the change must share with the approved one.

    It has another past, and the same wish. Only what is made anew has another physical id.
    """
    if approved["after"] is None:
        provider = operation["provider"]["before"]
        rest = {part: operation[part] for part in ("type", "id", "before")}
        return rest | {"provider.before": provider}
    rest = {part: operation[part] for part in ("type", "after")}
    parts = ("provider", "options", "dependencies")
    rest |= {f"{part}.after": operation[part]["after"] for part in parts}
    return rest | ({"id": operation["id"]} if approved["op"] == "update" else {})


def _earlier(found: Operation, wanted: dict[tuple[str, str, str], Operation]) -> Any:
    """The approved operation that `found` is the rest of, after a crash in the middle of it."""
    before = {
        "metadata": ("create", "create-replacement", "update"),
        "update": ("create", "create-replacement"),
        "delete": ("delete-replaced",),
    }.get(found["op"], ())
    for key, operation in wanted.items():
        if operation["urn"] == found["urn"] and operation["op"] in before:
            return key
    return order(found)


def exactly(field: str, approved: JSON, found: JSON) -> Iterator[Difference]:
    """Where two values differ at all."""
    if isinstance(approved, dict) and isinstance(found, dict) and not is_marker(approved):
        for key in sorted(approved.keys() | found.keys()):
            if key not in approved or key not in found:
                yield _difference(f"{field}.{key}", approved.get(key), found.get(key))
            else:
                yield from exactly(f"{field}.{key}", approved[key], found[key])
    elif isinstance(approved, list) and isinstance(found, list) and len(approved) == len(found):
        for index, pair in enumerate(zip(approved, found, strict=True)):
            yield from exactly(f"{field}.{index}", *pair)
    elif canonical_bytes(approved) != canonical_bytes(found):
        yield _difference(field, approved, found)


def unlawful(field: str, approved: JSON, found: JSON) -> Iterator[Difference]:
    """Where `found` is not a refinement of `approved`."""
    if is_unknown(approved):
        secret_kept = is_marker(found, "secret") or (is_unknown(found) and found["secret"])
        if approved["secret"] and not secret_kept:
            yield _difference(field, approved, found)
    elif is_marker(approved, "auto-name") and isinstance(found, str):
        if not is_like(found, str(approved["prefix"]), str(approved["drawn"])):
            yield _difference(field, approved, found)
    elif isinstance(approved, dict) and isinstance(found, dict):
        if approved.keys() != found.keys() or is_marker(approved) != is_marker(found):
            yield _difference(field, approved, found)
            return
        for key in approved:
            yield from unlawful(f"{field}.{key}", approved[key], found[key])
    elif isinstance(approved, list) and isinstance(found, list):
        if len(approved) != len(found):
            yield _difference(field, approved, found)
            return
        for index, pair in enumerate(zip(approved, found, strict=True)):
            yield from unlawful(f"{field}.{index}", *pair)
    elif canonical_bytes(approved) != canonical_bytes(found):
        yield _difference(field, approved, found)


def _difference(field: str, approved: JSON, found: JSON) -> Difference:
    return Difference(field, _show(approved), _show(found))


def _show(value: JSON) -> str:
    text = canonical_bytes(value).decode().encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
