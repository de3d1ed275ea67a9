"""What really happened, operation by operation, and the root of it that goes on chain. Pure.

A receipt is a statement of its author, kept beside the plan and found by its root; that it fits the
plan (every leaf, every index) anybody can check, that it is true nobody can tell from it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Digest, digest, keccak, to_hex

from . import merkle
from .canonical import JSON, canonical_bytes, parse

SCHEMA = "mandate/receipt/v1"

DONE = "done"
NOT_DONE = "not-done"
UNDONE = "undone"
OUTCOMES = frozenset({DONE, NOT_DONE, UNDONE})


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One approved operation, afterwards."""

    index: int
    """Position in the document's operations."""
    urn: str
    op: str
    """The engine step, as in the document."""
    leaf: Digest
    """The operation's leaf under the effect root."""
    resolved: tuple[tuple[str, Digest], ...]
    """What each unknown became: path and digest of the canonical value (secrets as commitments)."""
    outcome: str
    """`done`: the state shows what was approved. `not-done`: it does not. `undone`: it was done, it
    was not healthy, and then its approved inverse was done."""

    def as_json(self) -> JSON:
        return {
            "index": self.index,
            "urn": self.urn,
            "op": self.op,
            "leaf": to_hex(self.leaf),
            "resolved": [[path, to_hex(value)] for path, value in self.resolved],
            "outcome": self.outcome,
        }

    @classmethod
    def from_json(cls, value: JSON) -> OperationResult:
        return cls(
            index=value["index"],
            urn=value["urn"],
            op=value["op"],
            leaf=digest(value["leaf"]),
            resolved=tuple((path, digest(found)) for path, found in value["resolved"]),
            outcome=value["outcome"],
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """All operations of one run."""

    plan_hash: Digest
    run_id: Digest
    results: tuple[OperationResult, ...]
    """One for each operation of the plan, in the plan's order."""
    post_state: Digest
    """Digest of the touched resources in the final state."""

    @property
    def complete(self) -> bool:
        """Whether every approved operation was done."""
        return bool(self.results) and all(result.outcome == DONE for result in self.results)

    @property
    def root(self) -> Digest:
        """Merkle root over `leaves`."""
        return merkle.root(self.leaves)

    @property
    def leaves(self) -> list[Digest]:
        """Leaf 0 binds plan, run and final state; leaf i + 1 is result i.

        No root fits two receipts.
        """
        parts = [self._head(), *(result.as_json() for result in self.results)]
        return [keccak(canonical_bytes(part)) for part in parts]

    @property
    def data(self) -> bytes:
        """Canonical bytes for the store."""
        results = [result.as_json() for result in self.results]
        return canonical_bytes({**self._head(), "results": results})

    def _head(self) -> dict[str, JSON]:
        return {
            "schema": SCHEMA,
            "plan": to_hex(self.plan_hash),
            "run": to_hex(self.run_id),
            "postState": to_hex(self.post_state),
        }

    @classmethod
    def load(cls, data: bytes) -> Receipt:
        """Read stored bytes. Raises `InvalidDocument` for anything but a receipt of this schema."""
        content = parse(data)
        try:
            if content["schema"] != SCHEMA:
                raise InvalidDocument("these bytes are not a receipt of a schema known here")
            receipt = cls(
                plan_hash=digest(content["plan"]),
                run_id=digest(content["run"]),
                results=tuple(OperationResult.from_json(item) for item in content["results"]),
                post_state=digest(content["postState"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidDocument("these bytes are not a receipt") from error
        # Fields this class does not know would vanish here: the comparison refuses them.
        if receipt.data != data or any(r.outcome not in OUTCOMES for r in receipt.results):
            raise InvalidDocument("the receipt holds something that its schema does not allow")
        return receipt
