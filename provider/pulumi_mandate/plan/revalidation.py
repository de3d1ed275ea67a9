"""What becomes of a pending proposal when the world has moved on: Retain, Replace or Clear. Pure.

People vote for weeks. Meanwhile the program, the stack or the rules may change, and a plan that
would be refused at its run should not collect votes until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .compare import Difference, differences
from .document import Document


class Verdict(Enum):
    """What to do with a pending proposal."""

    RETAIN = "retain"
    """It is still exactly what the program wants: the votes stand."""
    REPLACE = "replace"
    """The program wants something else: withdraw it, and propose anew."""
    CLEAR = "clear"
    """Nothing is left to do: withdraw it."""


@dataclass(frozen=True, slots=True)
class Revalidation:
    """The verdict on one pending plan."""

    verdict: Verdict
    differences: tuple[Difference, ...]
    """Why it is replaced; empty for the other verdicts."""


def revalidate(pending: Document, wanted: Document | None) -> Revalidation:
    """Compare a pending plan with what the program wants now; None: it wants nothing.

    Retained is what a run would accept now, and nothing else: the comparison is the gate's own.
    """
    if wanted is None:
        return Revalidation(Verdict.CLEAR, ())
    found = tuple(differences(pending, wanted))
    return Revalidation(Verdict.REPLACE if found else Verdict.RETAIN, found)
