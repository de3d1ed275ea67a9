"""The document `mandate/plan/v1`: what people vote on, as canonical bytes and nothing else.

`Document.load` is total: an unknown schema, an unknown or missing part, an empty plan, operations
out of order, an effect root or a summary (tier, unknowns, what cannot be undone) that does not
follow from the operations, or a marker that is not whole is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import (
    Address,
    Digest,
    Kind,
    Plan,
    Subject,
    Tier,
    digest,
    is_address,
    keccak,
    subject_hash,
    to_hex,
)

from . import merkle, summary
from .assessment import cents_a_month, is_text, overridden, require_checks, require_tier
from .canonical import LIMITS, Limits, canonical_bytes, is_plain, plain_bytes, read
from .constraint import require_constraint
from .markers import malformed
from .program import ProgramFile, is_side, listing_digest
from .source import check_source

SCHEMA = "mandate/plan/v1"
PLAN_KINDS = ("up", "destroy", "refresh", "import", "state")
"""Which command of the engine the plan is of. Part of the document, and so of the plan hash: a
mandate for one of them is none for another."""

KIND_OF = {
    "create": Kind.CREATE,
    "update": Kind.UPDATE,
    "replace": Kind.REPLACE,
    "create-replacement": Kind.REPLACE,
    "delete-replaced": Kind.REPLACE,
    "import-replacement": Kind.REPLACE,
    "read-replacement": Kind.REPLACE,
    "delete": Kind.DELETE,
    "abandon": Kind.ABANDON,
    "import": Kind.IMPORT,
    "read": Kind.READ,
    "discard": Kind.READ,
    "discard-replaced": Kind.READ,
    "remove-pending-replace": Kind.METADATA,
    "metadata": Kind.METADATA,
    "refresh": Kind.METADATA,
    "forget": Kind.ABANDON,
}
"""The engine's steps, and ours, by kind. Ours: `abandon` is a delete under retainOnDelete,
`metadata` a `same` with another option or output, `refresh` what the provider answers instead of
what the state says, `forget` a resource that is no longer there and leaves the state."""
OURS = frozenset({"abandon", "metadata", "refresh", "forget"})
"""Steps of `KIND_OF` that an update's preview of the engine never names."""
STEPS_OF_PLAN = {
    "up": frozenset(KIND_OF) - {"refresh", "forget"},
    "destroy": frozenset({"delete", "delete-replaced", "abandon", "discard", "discard-replaced"}),
    "refresh": frozenset({"refresh", "forget"}),
    "import": frozenset({"import", "create"}),
    "state": frozenset({"abandon", "metadata"}),
}
"""What a plan of each kind may hold."""

PARTS = frozenset(
    {"schema", "kind", "subject", "program", "toolchain", "rules", "config", "secretKeyId"}
    | {
        "operations",
        "effectRoot",
        "unknowns",
        "sensitive",
        "base",
        "source",
        "checks",
        "tier",
        "rollback",
    }
    | {"window", "salt", "proposer", "clears"}
)
OPERATION_PARTS = frozenset(
    {"urn", "type", "op", "kind", "tier", "rule", "provider", "id", "before", "after"}
    | {"options", "dependencies", "propertyDependencies", "replaceKeys"}
)
CHANGE_PARTS = frozenset({"inputs", "outputs", "id", "urn"})
"""What `before` and `after` may hold; the inputs always, the URN where it was another one."""
RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The form of a rule's id: a word for people, and no room for a sentence."""
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
"""SHA-1 or SHA-256, as git writes them: a word that no command line can misunderstand."""
_SIDES = frozenset({"before", "after"})
_SIDED = ("provider", "options", "dependencies", "propertyDependencies")


@dataclass(frozen=True, slots=False)
class Document:
    """A checked document. Make one with `load` (from bytes) or `of` (from content)."""

    data: bytes
    """The canonical bytes: what the store holds and the chain names."""
    content: dict[str, Any]
    """The same, parsed. Do not change it."""
    plain: bool = False
    """Whether every part may be written again by `plain_bytes`: a shortcut, never a promise."""

    @classmethod
    def load(cls, data: bytes, limits: Limits = LIMITS) -> Document:
        """Read stored bytes. Raises `InvalidDocument`. Compare `digest` with the chain's."""
        document = cls(bytes(data), *read(data, limits))
        document._check(limits)
        return document

    @classmethod
    def of(cls, content: dict[str, Any], limits: Limits = LIMITS) -> Document:
        """Seal content that was just built, and compute its effect root.

        Raises `InvalidDocument` where `load` would. Whoever has bytes uses `load`.
        """
        plain = is_plain(content, limits)
        found = leaves(content["operations"], plain=plain)
        _require(len(found) > 0, "the plan is empty")
        content = {**content, "effectRoot": to_hex(merkle.root(found))}
        data = plain_bytes(content) if plain else canonical_bytes(content, limits)
        document = cls(data, content, plain)
        vars(document)["leaves"] = found  # what the cached property would compute again
        document._check(limits)
        return document

    @cached_property
    def digest(self) -> Digest:
        """Keccak of the bytes."""
        return keccak(self.data)

    @property
    def operations(self) -> list[dict[str, Any]]:
        """Sorted by URN, engine step and physical id; the position is the leaf's index."""
        operations: list[dict[str, Any]] = self.content["operations"]
        return operations

    @cached_property
    def leaves(self) -> list[Digest]:
        """One per operation, in order."""
        return leaves(self.operations, plain=self.plain)

    @cached_property
    def effect_root(self) -> Digest:
        """What the plan does, whoever proposes it and whenever."""
        return merkle.root(self.leaves)

    @property
    def subject(self) -> Subject:
        return Subject(**self.content["subject"])

    @cached_property
    def files(self) -> tuple[ProgramFile, ...]:
        """Of the program."""
        return tuple(ProgramFile(*file) for file in self.content["program"]["files"])

    @property
    def tier(self) -> Tier:
        return Tier(self.content["tier"]["tier"])

    @cached_property
    def kinds(self) -> int:
        """Bit `1 << kind` for every kind of operation in the plan."""
        mask = 0
        for operation in self.operations:
            mask |= 1 << operation["kind"]
        return mask

    def fields(self) -> Plan:
        """The typed message whose EIP-712 hash is the plan hash."""
        content = self.content
        return Plan(
            subject=subject_hash(self.subject),
            effect_root=self.effect_root,
            operation_count=len(self.operations),
            kinds=self.kinds,
            cost=cents_a_month(content["checks"]),
            program=digest(content["program"]["digest"]),
            toolchain=part_digest(content["toolchain"]),
            rules=digest(content["rules"]),
            checks=part_digest(content["checks"]),
            rollback=part_digest(content["rollback"]),
            document=self.digest,
            clears=digest(content["clears"]),
            proposer=Address(content["proposer"]),
            tier=self.tier,
            not_before=content["window"]["notBefore"],
            expires_at=content["window"]["expiresAt"],
            salt=digest(content["salt"]),
        )

    def _check(self, limits: Limits) -> None:
        content = self.content
        _require(isinstance(content, dict), "the document is not an object")
        _require(content.get("schema") == SCHEMA, f"the schema is not {SCHEMA}")
        _require_parts("the document", content, PARTS)
        _require(content["kind"] in PLAN_KINDS, "the kind of plan is not known")
        _require(
            isinstance(content["operations"], list) and len(content["operations"]) > 0,
            "the plan is empty",
        )
        _require(
            len(content["operations"]) <= limits.operations, "the plan has too many operations"
        )
        _check_operations(content["operations"], STEPS_OF_PLAN[content["kind"]])
        _check_frame(content)
        _check_summary(content)
        _require(
            content["effectRoot"] == to_hex(self.effect_root),
            "the effect root does not follow from the operations",
        )


def leaves(operations: list[dict[str, Any]], *, plain: bool = False) -> list[Digest]:
    """The leaf of every operation, by its position; `plain` ones are written without a survey."""
    serialise = plain_bytes if plain else canonical_bytes
    return [
        merkle.leaf(
            index,
            Kind(operation["kind"]),
            Tier(operation["tier"]),
            operation["urn"],
            keccak(serialise(operation)),
        )
        for index, operation in enumerate(operations)
    ]


def order(operation: dict[str, Any]) -> tuple[str, str, str]:
    """The sort key of operations; the physical id separates two deletes of one URN."""
    return operation["urn"], operation["op"], operation["id"] or ""


def part_digest(part: Any) -> Digest:
    """How a part with its own field in the plan hash is digested: keccak of its canonical bytes."""
    return keccak(canonical_bytes(part))


def _check_operations(operations: list[dict[str, Any]], steps: frozenset[str]) -> None:
    for operation in operations:
        _require(isinstance(operation, dict), "an operation is not an object")
        _require_parts("an operation", operation, OPERATION_PARTS)
        texts = (operation["urn"], operation["type"], operation["op"], operation["rule"])
        _require(all(type(text) is str for text in texts), "an operation's name is not text")
        _require(type(operation["id"]) in (str, type(None)), "a physical id is not text")
        _require(operation["op"] in steps, "an operation's step is not one of this kind of plan")
        _require(
            type(operation["kind"]) is int and operation["kind"] == KIND_OF[operation["op"]],
            "an operation's kind does not follow from its step",
        )
        _require(
            type(operation["tier"]) is int and Tier.LOW <= operation["tier"] <= Tier.HIGH,
            "an operation's tier is not low, medium or high",
        )
        _require(
            RULE_ID.fullmatch(operation["rule"]) is not None,
            "an operation's rule is not the id of a rule",
        )
        _check_sides(operation)
    keys = [order(operation) for operation in operations]
    _require(all(a < b for a, b in pairwise(keys)), "the operations are not sorted")


def _check_sides(operation: dict[str, Any]) -> None:
    there = {side for side in _SIDES if operation[side] is not None}
    _require(bool(there), "an operation has neither a past nor a future")
    for change in _there({side: operation[side] for side in _SIDES}):
        _require(
            isinstance(change, dict)
            and {"inputs"} <= set(change) <= CHANGE_PARTS
            and all(isinstance(change.get(part, {}), dict) for part in ("inputs", "outputs"))
            and type(change.get("urn", "")) is str,
            "what an operation changes is not inputs, with outputs, an id or a former URN",
        )
    for part in _SIDED:
        _require(
            isinstance(operation[part], dict) and set(operation[part]) == _SIDES,
            "a provider, the options or the dependencies do not have two sides",
        )
    for part, form in (("options", dict), ("dependencies", list), ("propertyDependencies", dict)):
        sides = operation[part]
        _require(
            there == {side for side in _SIDES if sides[side] is not None}
            and all(isinstance(sides[side], form) for side in there),
            "the options or the dependencies are not those of the sides that there are",
        )
    sets = [operation["replaceKeys"], *_there(operation["dependencies"])]
    sources = _there(operation["propertyDependencies"])
    _require(
        all(map(_is_set, sets + [urns for side in sources for urns in side.values()])),
        "the dependencies or replace keys are not sets of texts",
    )
    values = [operation[part] for part in ("before", "after")]
    values += [operation[part][side] for part in ("provider", "options") for side in _SIDES]
    _require(
        not any(map(malformed, values)),
        "an operation holds a marker that is not known or not whole",
    )


def _there(sides: dict[str, Any]) -> list[Any]:
    """A resource that is not there yet, or no more, has no side."""
    return [side for side in sides.values() if side is not None]


def _check_summary(content: dict[str, Any]) -> None:
    """What people read first follows from the operations: nobody writes it himself."""
    operations, tier = content["operations"], content["tier"]
    fired = frozenset(operation["rule"] for operation in operations)
    urns = frozenset(operation["urn"] for operation in operations)
    require_tier(tier, summary.highest(operations), fired)
    require_checks(content["checks"], urns)
    _require(RULE_ID.fullmatch(tier["rule"]) is not None, "the plan's rule is not a rule's id")
    _require(
        not overridden(content["checks"]) or tier["tier"] >= Tier.HIGH,
        "a check is overridden in a plan whose tier is not high",
    )
    _require(
        content["base"] is not None or tier["tier"] < Tier.HIGH,
        "a plan names its base where its tier is high",
    )
    _check_unknowns(content["unknowns"], summary.unknowns(operations))
    _require(
        _is_set(content["sensitive"]) and all(map(is_text, content["sensitive"])),
        "the names that no unknown may hold are not a sorted list of lines",
    )
    _require(
        content["rollback"] == summary.rollback(operations),
        "what cannot be undone does not follow from the operations",
    )


def _check_unknowns(written: object, found: list[dict[str, Any]]) -> None:
    """All of it follows from the operations but the constraints, which follow from the rules."""
    wrong = "the list of unknown values does not follow from the operations"
    _require(isinstance(written, list) and len(written) == len(found), wrong)
    assert isinstance(written, list)  # noqa: S101  # required above
    for entry, expected in zip(written, found, strict=True):
        _require(isinstance(entry, dict) and "constraint" in entry, wrong)
        require_constraint(entry["constraint"])
        _require(entry == expected | {"constraint": entry["constraint"]}, wrong)


def _is_set(value: Any) -> bool:
    """Of texts, in the one form that a set has: sorted, each of them once."""
    return value == [] or (_are_texts(value) and all(a < b for a, b in pairwise(value)))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(type(text) is str for text in value)


def _check_frame(content: dict[str, Any]) -> None:
    subject = content["subject"]
    _require(
        isinstance(subject, dict)
        and set(subject) == {"backend", "organisation", "project", "stack"}
        and all(type(text) is str and text for text in subject.values()),
        "the subject is not four texts",
    )
    window = content["window"]
    _require(
        isinstance(window, dict)
        and set(window) == {"notBefore", "expiresAt"}
        and all(type(value) is int and value >= 0 for value in window.values())
        and window["notBefore"] < window["expiresAt"],
        "the window is not two times in order",
    )
    for name in ("toolchain", "config", "rollback"):
        _require(isinstance(content[name], dict), f"the part {name!r} is not an object")
    _check_program(content["program"])
    if content["source"] is not None:
        check_source(content["source"], content["program"]["files"])
    _require(
        not malformed(list(content["config"].values())),
        "the configuration holds a marker that is not known or not whole",
    )
    try:
        for text in (content["rules"], content["salt"], content["clears"], content["secretKeyId"]):
            digest(text)
        if content["base"] is not None:
            digest(content["base"])
    except (KeyError, ValueError, TypeError):
        raise InvalidDocument("a digest in the document is not 32 bytes of hexadecimal") from None
    _require(is_address(content["proposer"]), "the proposer is not an address")


def _check_program(program: Any) -> None:
    _require(
        isinstance(program, dict) and set(program) == {"digest", "commit", "files"},
        "the program is not a digest, a commit and files",
    )
    files = program["files"]
    _require(
        isinstance(files, list)
        and all(_are_texts(file) and is_side(file[1:]) for file in files)
        and all(a < b for a, b in pairwise(file[0] for file in files)),
        "the program's files are not a list of path, mode and SHA-256, in order",
    )
    _require(
        program["digest"] == to_hex(listing_digest(files)),
        "the program's digest does not follow from its files",
    )
    commit = program["commit"]
    _require(
        commit is None or (type(commit) is str and COMMIT.fullmatch(commit) is not None),
        "the program's commit is not the digest of one",
    )


def _require(condition: bool, happened: str) -> None:
    if not condition:
        raise InvalidDocument(happened)


def _require_parts(what: str, value: dict[str, Any], expected: frozenset[str]) -> None:
    if value.keys() == expected:
        return
    missing, extra = sorted(expected - value.keys()), sorted(value.keys() - expected)
    raise InvalidDocument(
        f"{what} lacks {missing}" if missing else f"{what} holds {extra[:3]!r}, which is not known"
    )
