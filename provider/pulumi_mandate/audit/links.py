"""One checked step of a chain of evidence, and how a list of checks is run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import MandateError

_E = TypeVar("_E")
Finding = tuple[str, Mapping[str, str]]
"""What a check returns: one line for people, and what was compared."""


@dataclass(frozen=True, slots=True)
class Link:
    """What was compared, and whether it holds."""

    name: str
    ok: bool
    detail: str
    """One line for people."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """The values that were compared, by name: 0x strings, numbers as text."""


class Broken(Exception):  # it is a finding, not an error of the program
    """A comparison that failed, with both sides. Becomes a link that does not hold."""

    def __init__(self, detail: str, **evidence: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.evidence = evidence


def run_checks(checks: Sequence[tuple[str, Callable[[_E], Finding]]], evidence: _E) -> list[Link]:
    """Every check in order; one that cannot even be made does not hold.

    Each check is a name and a function that returns a finding or raises `Broken`. Evidence comes
    from strangers, so anything a decoder raises about it is a finding as well.
    """
    links = []
    for name, look in checks:
        try:
            detail, compared = look(evidence)
            links.append(Link(name, True, detail, compared))
        except Broken as broken:
            links.append(Link(name, False, broken.detail, broken.evidence))
        except MandateError as error:
            links.append(Link(name, False, error.happened))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            links.append(Link(name, False, f"the evidence cannot be read ({type(error).__name__})"))
    return links


def require(condition: bool, detail: str, **evidence: str) -> None:
    """Raise `Broken` unless the condition holds."""
    if not condition:
        raise Broken(detail, **evidence)


def require_equal(what: str, expected: str, found: str) -> None:
    """Raise `Broken` with both sides unless they are equal."""
    require(expected == found, f"{what} differs", expected=expected, found=found)


def broken(links: Sequence[Link]) -> Link | None:
    """The first link that does not hold. An empty list proves nothing and is a broken one."""
    if not links:
        return Link("evidence", False, "there is nothing to check")
    return next((link for link in links if not link.ok), None)
