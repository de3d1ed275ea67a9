"""Step (10): each operation the engine is about to do is an approved one, and each is used once.

The first refusal latches: the engine works in parallel, and operations that would still be allowed
must not go on beside one that showed that something is wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.compare import refines
from pulumi_mandate.plan.constraint import broken
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import is_unknown

from .grants import Grants
from .journal import ALLOWED, LATCHED, REFUSED, Entry, Journal
from .wire import HookCall, Moment, Options, with_hashes

JSON = Any
STEP = 10

STEPS_OF: dict[Moment, frozenset[str]] = {
    "create": frozenset({"create", "create-replacement"}),
    # also of an import whose inputs differ: its plan has an update of its own
    "update": frozenset({"update"}),
    "delete": frozenset({"delete", "delete-replaced", "abandon"}),
}
"""The engine steps that a hook's moment may stand for."""

HOOKLESS = frozenset(
    {"import", "import-replacement", "read", "read-replacement", "metadata", "replace"}
    | {"discard", "discard-replaced", "remove-pending-replace"}
    | {"refresh", "forget"}
)
"""Steps that may change the state without any hook: only the whole-plan check covers them."""

InputsOf = Callable[[str, JSON], JSON]
"""(urn, inputs in the engine's JSON form) to the values of a document."""
Denials = Callable[[], None]
"""Raises `MandateError` where the run may not go on."""


class OperationCheck:
    """Judges the operations of one run; may be called from several threads at once."""

    def __init__(  # noqa: PLR0913  # what decides, and where the decision is written down
        self,
        document: Document,
        journal: Journal,
        *,
        denials: Denials,
        inputs_of: InputsOf,
        indices: Sequence[int] | None = None,
        grants: Grants | None = None,
    ) -> None:
        """`document` is the approved one; while resuming, the verified rest of it.

        `indices` are then the positions of its operations in the approved document. Without
        `grants` no provider of ours will do anything.
        """
        self._operations = document.operations
        self._indices = range(len(self._operations)) if indices is None else indices
        self._journal = journal
        self._grants = grants
        self._denials = denials
        self._inputs_of = inputs_of
        self._lock = threading.Lock()
        self._latched = ""
        self._used: set[int] = set()
        self._sensitive = document.content["sensitive"]
        self._unknowns: dict[str, list[JSON]] = {}
        for entry in document.content["unknowns"]:
            self._unknowns.setdefault(entry["urn"], []).append(entry)
        self._by_urn: dict[str, list[int]] = {}
        for position, operation in enumerate(self._operations):
            self._by_urn.setdefault(operation["urn"], []).append(position)

    def __call__(self, call: HookCall) -> None:
        """Allow one operation, or raise `MandateError`, which refuses it and all that follow."""
        with self._lock:
            position = -1
            try:
                if self._latched:
                    raise Refused(
                        STEP,
                        "an earlier operation of this run was refused, so nothing more is done",
                        meaning=self._latched,
                    )
                self._denials()
                position = self._find(call)
                operation = self._operations[position]
                self._compare(call, operation)
                self._journal.append(self._allowed(call, position))
                self._used.add(position)
                if self._grants is not None:
                    seconds = _seconds(call.moment, operation)
                    self._grants.give(call, self._indices[position], seconds)
            except MandateError as refusal:
                self._refuse(call, position, refusal.happened, refusal)
                raise
            except Exception as failure:
                name = type(failure).__name__
                self._refuse(call, position, f"the check itself failed ({name})", failure)
                raise

    @property
    def latched(self) -> str:
        """Why the run was stopped; empty while it was not."""
        return self._latched

    def _refuse(self, call: HookCall, position: int, reason: str, error: Exception) -> None:
        # Latch first: if even the journal cannot be written, nothing more may happen.
        first = not self._latched
        self._latched = self._latched or reason
        if self._grants is not None:
            self._grants.withdraw()
        # What only follows from the latch is no judgement of its own.
        kind = type(error).__name__ if first else LATCHED
        index = self._indices[position] if position >= 0 else -1
        self._journal.append(Entry(REFUSED, call.moment, call.urn, index, reason, kind))

    def _find(self, call: HookCall) -> int:
        wanted = STEPS_OF[call.moment]
        fitting = [
            index
            for index in self._by_urn.get(call.urn, [])
            if self._operations[index]["op"] in wanted
        ]
        if not fitting:
            raise Refused(
                STEP,
                f"{call.moment} of {call.urn} is not in the approved plan",
                field="operation",
                expected="one of the approved operations",
                found=f"{call.moment} {call.type}",
                meaning="It is refused before the provider is called. A resource made inside "
                "`apply` on a value unknown at preview is in no plan: propose it in two phases.",
                next_step="mandate propose",
            )
        unused = [index for index in fitting if index not in self._used]
        if not unused:
            raise Refused(STEP, f"{call.moment} of {call.urn} was already done once in this run")
        # Several old copies of one URN may wait for deletion; the id tells them apart.
        exact = [index for index in unused if self._operations[index].get("id") == call.id]
        return (exact or unused)[0]

    def _compare(self, call: HookCall, operation: JSON) -> None:
        if call.type != operation["type"]:
            raise _differs(call, "type", operation["type"], call.type)
        approved_id = operation["id"]
        if call.moment != "create" and approved_id is not None and call.id != approved_id:
            raise _differs(call, "id", approved_id, call.id)
        if call.moment != "delete" and call.new_inputs is None:
            raise _differs(call, "after", "the approved inputs", "no inputs at all")
        for side, given in (("after", call.new_inputs), ("before", call.old_inputs)):
            if given is not None:
                self._compare_inputs(call, operation["op"], side, _inputs(operation, side), given)
        for side, options in (("after", call.new_options), ("before", call.old_options)):
            if options is not None and operation["options"][side] is not None:
                _compare_options(call, operation, side, options)

    def _compare_inputs(
        self, call: HookCall, op: str, side: str, approved: JSON, given: JSON
    ) -> None:
        hashed = with_hashes(approved, given, read_files=side == "after")
        found = self._inputs_of(call.urn, hashed)
        if approved is None or not refines(approved, found):
            path = next(_differing_paths(approved, found), "")
            raise _differs(call, f"{side}{path}", "the approved value", "another value")
        if side == "after":
            self._keep_constraints(call, op, found)

    def _keep_constraints(self, call: HookCall, op: str, found: JSON) -> None:
        unknowns = self._unknowns.get(call.urn, ())
        place = (call.urn, op)
        for path, wanted in broken(unknowns, self._sensitive, place, {"inputs": found}):
            raise _differs(call, f"after.{path}", wanted, "a value that is not allowed")

    def _allowed(self, call: HookCall, position: int) -> Entry:
        resolved: tuple[tuple[str, str], ...] = ()
        if call.new_inputs is not None:
            approved = _inputs(self._operations[position], "after")
            hashed = with_hashes(approved, call.new_inputs, read_files=True)
            found = self._inputs_of(call.urn, hashed)
            resolved = tuple(
                (path, to_hex(keccak(canonical_bytes(value))))
                for path, value in resolved_unknowns(approved, found)
            )
        index = self._indices[position]
        return Entry(ALLOWED, call.moment, call.urn, index, resolved=resolved)


def _compare_options(call: HookCall, operation: JSON, side: str, options: Options) -> None:
    approved = operation["options"][side]
    for name, given in (
        ("protect", options.protect),
        ("retainOnDelete", options.retain_on_delete),
    ):
        if bool(approved.get(name)) != given:
            raise _differs(call, f"options.{name}", str(bool(approved.get(name))), str(given))
    if options.parent != (approved["parent"] or ""):
        raise _differs(call, "options.parent", str(approved["parent"]), options.parent)
    provider = operation["provider"][side]
    if provider is not None:
        urn, _, identity = options.provider.rpartition("::")
        if not refines(provider, {"urn": urn, "id": identity}):
            raise _differs(call, "provider", str(provider["urn"]), urn or "none")


def _seconds(moment: Moment, operation: JSON) -> float:
    """The approved time-out of a moment; 0 where none was set."""
    options = operation["options"]["before" if moment == "delete" else "after"] or {}
    return float((options.get("customTimeouts") or {}).get(moment, 0))


def _inputs(operation: JSON, side: str) -> JSON:
    return (operation[side] or {}).get("inputs")


def resolved_unknowns(approved: JSON, found: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    """What each unknown of an approved value became: path and value (secrets as commitments)."""
    if is_unknown(approved):
        yield path, found
    elif isinstance(approved, dict) and isinstance(found, dict):
        for key in sorted(approved.keys() & found.keys()):
            yield from resolved_unknowns(approved[key], found[key], f"{path}.{key}")
    elif isinstance(approved, list) and isinstance(found, list):
        for position, (one, other) in enumerate(zip(approved, found, strict=False)):
            yield from resolved_unknowns(one, other, f"{path}[{position}]")


def _differing_paths(approved: JSON, found: JSON, path: str = "") -> Iterator[str]:
    """Where two values part, without saying which values: they may be secret elsewhere."""
    if refines(approved, found):
        return
    if isinstance(approved, dict) and isinstance(found, dict):
        for key in sorted(approved.keys() | found.keys()):
            if key not in approved or key not in found:
                yield f"{path}.{key}"
            else:
                yield from _differing_paths(approved[key], found[key], f"{path}.{key}")
    elif isinstance(approved, list) and isinstance(found, list) and len(approved) == len(found):
        for position, (one, other) in enumerate(zip(approved, found, strict=True)):
            yield from _differing_paths(one, other, f"{path}[{position}]")
    else:
        yield path


def _differs(call: HookCall, field: str, expected: str, found: str) -> Refused:
    return Refused(
        STEP,
        f"{call.moment} of {call.urn} is not what was approved",
        field=field,
        expected=expected,
        found=found,
        meaning="It is refused before the provider is called.",
        next_step="mandate propose",
    )
