"""From the engine's sources to the document that people vote on. Pure and total."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.errors import EmptyPlan, IncompletePlan
from pulumi_mandate.models import NO_CLEARS, Address, Digest, Subject, Tier, keccak, to_hex

from . import summary
from .canonical import JSON, canonical_bytes
from .commitment import SubjectKey, commit
from .destroy import read_destroy
from .document import KIND_OF, SCHEMA, Document, order
from .drift import read_drift, read_import, read_surgery
from .markers import auto_name, holds_unknown, unknown
from .names import could_be_drawn, digits_of, drawn_digits
from .program import ProgramDigest
from .raw import KEY_NAME, RawPreview
from .sources import OPTIONS, READS, ROOT, SETS, State, Step, read_steps
from .toolchain import Toolchain
from .values import UNKNOWNS, Reader, same_json

Operation = dict[str, Any]
Judge = Callable[[Operation], tuple[Tier, str]]
Assess = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The parts `checks`, `unknowns` and `tier` of a document, from its other parts."""
STEPS: Mapping[str, Callable[[RawPreview], list[Step]]] = {
    "up": read_steps,
    "destroy": read_destroy,
    "refresh": read_drift,
    "import": read_import,
    "state": read_surgery,
}
"""Who reads the sources of each kind of plan."""
CONFIG_PLACE = "mandate:config"
"""Stands for a URN in the commitments of configuration values."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sources do not say: who asks, for what, under which rules, and when."""

    subject: Subject
    program: ProgramDigest
    toolchain: Toolchain
    rules: Digest
    proposer: Address
    not_before: int
    """Seconds since the epoch, chain time."""
    expires_at: int
    salt: Digest
    key: SubjectKey
    clears: Digest = NO_CLEARS
    commit: str | None = None
    """The version-control commit the program was taken from, if there is one."""
    source: Mapping[str, Any] | None = None
    """The change of the source since the last completed program, by `source.source_part`; None
    where nobody will vote on the document."""
    again: bool = False
    """Whether the document is only made to be compared with an approved one."""


def build_document(
    raw: RawPreview, facts: Facts, judge: Judge, assess: Assess | None = None
) -> Document:
    """Build and seal the document. `judge` is asked about every operation, `assess` about the whole
    of it: without it there are no checks, no constraints, and the tier is the highest judged.

    Raises `IncompletePlan` where the sources disagree or hold something no rule covers, and
    `EmptyPlan` where there is nothing to do.
    """
    try:
        steps = STEPS[raw.kind](raw)
        operations = build_operations(steps, facts, judge)
        config = _config(raw, facts.key)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError):
        # Without the cause: it may quote a secret.
        raise IncompletePlan(
            "a source of the plan has another form than this version knows",
            next_step="use an engine version this package was tested with",
        ) from None
    if raw.engine_version != facts.toolchain.content["engine"]:
        raise IncompletePlan("another engine made the preview than the one that was looked at")
    if not operations:
        raise EmptyPlan("there is nothing to do", meaning="An empty plan needs no mandate.")
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": raw.kind,
        "subject": {
            "backend": facts.subject.backend,
            "organisation": facts.subject.organisation,
            "project": facts.subject.project,
            "stack": facts.subject.stack,
        },
        "program": facts.program.part(facts.commit),
        "toolchain": facts.toolchain.content,
        "rules": to_hex(facts.rules),
        "config": config,
        "secretKeyId": to_hex(facts.key.id),
        "operations": operations,
        "unknowns": summary.unknowns(operations),
        "sensitive": [],
        "base": None,
        "source": dict(facts.source) if facts.source is not None else None,
        "checks": [],
        "tier": summary.highest(operations),
        "rollback": summary.rollback(operations),
        "window": {"notBefore": facts.not_before, "expiresAt": facts.expires_at},
        "salt": to_hex(facts.salt),
        "proposer": facts.proposer,
        "clears": to_hex(facts.clears),
    }
    if assess is not None:
        content |= assess(content)
    if content["tier"]["tier"] >= Tier.HIGH or facts.again:  # the approved one may name its base
        content["base"] = _base(steps, operations, facts)
    return Document.of(content)


def build_operations(steps: Sequence[Step], facts: Facts, judge: Judge) -> list[Operation]:
    """The operations, judged and sorted; a `same` step counts only where something changes."""
    operations = []
    names = _drawn_names(steps)
    for step in steps:
        operation = _operation(step, facts, names)
        if operation is not None:
            tier, rule = judge(operation)
            operations.append({**operation, "tier": int(tier), "rule": rule})
    return sorted(operations, key=order)


def _drawn_names(steps: Sequence[Step]) -> dict[str, dict[str, JSON]]:
    """Marker by name, for the names that providers drew from their seeds in this preview.

    Looked for among the inputs that the provider added, and one level into those of the program
    (`metadata.name`); found, a name counts wherever the program passes it on as it is.
    """
    found: dict[str, dict[str, JSON]] = {}
    for step in steps:
        if step.op not in ("create", "create-replacement") or step.goal is None:
            continue
        given = step.goal.get("propertyDependencies") or {}
        texts = [value for key, value in (step.inputs or {}).items() if key not in given]
        nested = [value for value in (step.inputs or {}).values() if isinstance(value, dict)]
        texts += [text for value in nested for text in value.values()]
        likely = [text for text in texts if isinstance(text, str) and could_be_drawn(text)]
        drawn = digits_of(step.seed) if likely else ()
        for text in likely:
            if count := drawn_digits(text, drawn):
                found[text] = auto_name(text[:-count], count)
    return found


def _operation(step: Step, facts: Facts, names: Mapping[str, dict[str, JSON]]) -> Operation | None:
    old_urn = step.old["urn"] if step.old else step.urn
    packages = facts.toolchain.modules
    old_reader = Reader(facts.key, old_urn, packages, deployed=True)
    found = step.op == "refresh"  # both sides are states, and the provider's answer is the point
    left_out = facts.program.left_out
    new_reader = Reader(facts.key, step.urn, packages, names, left_out, deployed=found)
    before = _side(step.old, old_reader, answers=found)
    after = None
    if step.new is not None and step.inputs is not None:
        state = {**step.new, "inputs": step.inputs, "outputs": step.outputs}
        after = _side(state, new_reader, answers=found)
    _add_identity(step, before, after, new_reader)
    op = step.op
    if op == "delete" and before is not None and before["options"].get("retainOnDelete"):
        op = "abandon"
    if op in ("same", "read", "refresh") and before is not None and after is not None:
        if _unchanged(before, after):
            return None
        op = "metadata" if op == "same" else op
    if after is not None and step.goal is not None:
        _add_goal_options(after["options"], step.goal, deletes_first=step.deletes_first)
    return {
        "urn": step.urn,
        "type": step.type,
        "op": op,
        "kind": int(KIND_OF[op]),
        "provider": _both("provider", before, after),
        "id": (step.old or {}).get("id") or (step.goal or {}).get("id") or None,
        "before": _properties(before, step.old, old_reader),
        "after": _properties(after, None, new_reader),
        "options": _both("options", before, after),
        "dependencies": _both("dependencies", before, after),
        "propertyDependencies": _both("propertyDependencies", before, after),
        "replaceKeys": step.replace_keys,
    }


def _side(state: State | None, reader: Reader, *, answers: bool = False) -> Operation | None:
    """One side of an operation: what the engine knows before, or wants afterwards.

    `answers`: with what the provider answered, for people to read.
    """
    if state is None:
        return None
    side: Operation = {
        "inputs": reader.properties(state.get("inputs") or {}),
        "provider": _provider(state.get("provider")),
        "options": _options(state, reader),
        "dependencies": sorted(set(state.get("dependencies") or ())),
        "propertyDependencies": {
            key: sorted(set(urns))
            for key, urns in (state.get("propertyDependencies") or {}).items()
            if urns
        },
    }
    if answers or not state["custom"]:
        side["outputs"] = reader.outputs(state.get("outputs") or {})
    return side


def _add_identity(
    step: Step, before: Operation | None, after: Operation | None, reader: Reader
) -> None:
    """The former URN where it is another one, and which physical ids a read is about."""
    if before is not None and step.old is not None:
        if step.old["urn"] != step.urn:
            before["urn"] = step.old["urn"]
        if step.op in READS:
            before["id"] = step.old.get("id")
    if step.op in READS and after is not None and step.new is not None:
        after["id"] = reader.value(step.new["id"], ["$id"])


def _unchanged(before: Operation, after: Operation) -> bool:
    return same_json(before, after)


def _both(part: str, before: Operation | None, after: Operation | None) -> dict[str, JSON]:
    return {
        "before": before[part] if before is not None else None,
        "after": after[part] if after is not None else None,
    }


def _properties(side: Operation | None, old: State | None, reader: Reader) -> Operation | None:
    if side is None:
        return None
    properties: Operation = {"inputs": side["inputs"]}
    properties |= {part: side[part] for part in ("id", "urn") if part in side}
    if "outputs" in side:
        properties["outputs"] = side["outputs"]
    elif old is not None:
        # What the provider answered: voters need not read it, and it may not change unseen.
        properties["outputs"] = reader.closed("outputs", old.get("outputs") or {})
    return properties


def _provider(reference: str | None) -> dict[str, JSON] | None:
    if not reference:
        return None
    urn, _, identity = reference.rpartition("::")
    return {"urn": urn, "id": unknown() if identity in UNKNOWNS else identity}


def _options(state: State, reader: Reader) -> dict[str, JSON]:
    """Only what was set: false, empty and absent are one for the engine."""
    options: dict[str, JSON] = {"parent": state.get("parent") or None}
    for name in OPTIONS & state.keys():
        value = state[name]
        if name in SETS:
            value = sorted(set(value or ()))
        if name == "customTimeouts":
            value = {key: seconds for key, seconds in (value or {}).items() if seconds}
        if value:
            options[name] = reader.option(name, value)
            if holds_unknown(options[name]):
                raise IncompletePlan(
                    f"the option {name} of {reader.urn} is unknown until the plan runs",
                    meaning="It decides what happens to the resource, and no hook is told of it.",
                    next_step="give it a value that the program knows beforehand",
                )
    return options


def _add_goal_options(
    options: dict[str, JSON], goal: Mapping[str, Any], *, deletes_first: bool
) -> None:
    """Options that only the plan file has. The state forgets them: alone they are no change."""
    if deletes_first or goal.get("deleteBeforeReplace") is not None:
        options["deleteBeforeReplace"] = deletes_first or goal["deleteBeforeReplace"]
    if goal.get("structuredAliases"):
        options["structuredAliases"] = goal["structuredAliases"]


def _config(raw: RawPreview, key: SubjectKey) -> dict[str, JSON]:
    planned = raw.plan_file.get("config") or {}
    shown = raw.steps.get("config") or {}
    if not raw.made and not planned.keys() == shown.keys() == raw.config.keys():
        raise IncompletePlan("the sources disagree about the configuration's keys")
    for name, entry in raw.config.items():
        value = entry.get("value")
        if name != KEY_NAME and not entry.get("secret") and shown.get(name, value) != value:
            raise IncompletePlan(f"the sources disagree about the configuration value {name}")
    return config_part(raw.config, key)


def config_part(config: Mapping[str, Mapping[str, JSON]], key: SubjectKey) -> dict[str, JSON]:
    """The member `config` of a document: `config` as `pulumi config --show-secrets --json` says it,
    without the commitment key, secrets as commitments.
    """
    return {
        name: commit(key, CONFIG_PLACE, [name], entry.get("value"))
        if entry.get("secret")
        else entry.get("value")
        for name, entry in config.items()
        if name != KEY_NAME
    }


def _base(steps: Sequence[Step], operations: Sequence[Operation], facts: Facts) -> str:
    """Digest of what the touched resources stand on: parents, providers and dependencies.

    Never the whole stack, and not the stack resource (everybody's parent): a change a day elsewhere
    would starve every plan that takes two weeks.
    """
    states: dict[str, State] = {s.old["urn"]: s.old for s in steps if s.old is not None}
    old_urn: dict[str, str] = {s.urn: s.old["urn"] for s in steps if s.old is not None}
    waiting: list[str] = []
    for operation in operations:
        waiting.append(old_urn.get(operation["urn"], ""))
        waiting += [urn for side in operation["dependencies"].values() for urn in side or ()]
    closure: dict[str, JSON] = {}
    while waiting:
        urn = waiting.pop()
        state = states.get(urn)
        if state is None or urn in closure or state["type"] == ROOT:
            continue
        reader = Reader(facts.key, urn, facts.toolchain.modules, deployed=True)
        side = _side(state, reader)
        closure[urn] = [side, state.get("id"), reader.closed("base", state.get("outputs") or {})]
        provider = (state.get("provider") or "").rpartition("::")[0]
        waiting += [*(state.get("dependencies") or ()), state.get("parent") or "", provider]
    return to_hex(keccak(canonical_bytes(closure)))
