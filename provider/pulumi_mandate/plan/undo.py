"""Whether one plan undoes another: it leads back from every change, and does nothing else. Pure.

The former program, previewed, must ask for exactly the inverse. What the inverse makes anew has
another identity, and what is taken from it is not known before the run; that and nothing else may
be open where the plan that is undone has seen a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .canonical import JSON
from .compare import Difference, exactly, refines, unlawful
from .document import Document
from .inverse import RISING, Change, Side, changes_of, comes_from, inverse, is_stack, touched_by
from .markers import is_marker, is_unknown

_EQUAL = ("subject", "secretKeyId")
"""Without these two, neither URNs nor commitments of the two plans mean the same."""
_PARTS = ("options", "dependencies", "propertyDependencies")


def undo_differences(done: Document, found: Document) -> list[Difference]:
    """Where `found` does anything else than to undo `done`; empty means "it undoes it".

    A plan with an operation that nothing leads back from is undone as far as the rest of it goes,
    and `found` must leave that operation's resource alone.
    """
    result = [
        difference
        for part in _EQUAL
        for difference in exactly(part, done.content[part], found.content[part])
    ]
    touched = touched_by(done.operations)
    wanted = {change.urn: change for change in inverse(changes_of(done.operations))}
    if not wanted:
        result.append(Difference("operations", "something to undo", "nothing leads back"))
    given = {change.urn: change for change in changes_of(found.operations)}
    others = {one["urn"]: one["op"] for one in found.operations if not is_stack(one["urn"])}
    for urn in sorted(wanted.keys() | given.keys() | others.keys()):
        name = f"operations.{urn}"
        if urn in wanted and urn in given:
            result += _unlike(name, wanted[urn], given[urn], touched)
        else:
            expected = wanted[urn].word if urn in wanted else "nothing"
            there = given[urn].word if urn in given else others.get(urn, "nothing")
            result.append(Difference(name, expected, there))
    return result


def _unlike(
    name: str, wanted: Change, found: Change, touched: frozenset[str]
) -> Iterator[Difference]:
    if wanted.word != found.word:
        yield Difference(name, wanted.word, found.word)
        return
    if wanted.before is not None and found.before is not None:
        for part in wanted.before:
            yield from unlawful(f"{name}.before.{part}", wanted.before[part], found.before[part])
    if wanted.after is not None and found.after is not None:
        yield from _after(name, wanted, found.after, touched)


def _after(name: str, wanted: Change, found: Side, touched: frozenset[str]) -> Iterator[Difference]:
    old: Any = wanted.after
    for part in ("urn",) if wanted.makes else ("urn", "id"):
        yield from exactly(f"{name}.after.{part}", old[part], found[part])
    for part in _PARTS:
        yield from unlawful(f"{name}.after.{part}", old[part], found[part])
    provider = old["provider"]
    yield from _back_to(
        f"{name}.after.provider",
        provider,
        found["provider"],
        open_=provider is not None and provider["urn"] in touched,
    )
    rising = RISING.get(wanted.type, frozenset())
    for part in ("inputs", "outputs"):
        before, after = old[part], found[part]
        if before.keys() != after.keys() or is_marker(before):
            yield from unlawful(f"{name}.after.{part}", before, after)
            continue
        for key in sorted(before.keys() - rising):
            open_ = part == "outputs" or comes_from(old, key, touched)
            field = f"{name}.after.{part}.{key}"
            yield from _back_to(field, before[key], after[key], open_=open_)


def _back_to(field: str, old: JSON, found: JSON, *, open_: bool) -> Iterator[Difference]:
    """`found` is the old value, or may become it: a name is drawn again, and where it is `open_`,
    a value is known only while the plan runs."""
    if not (refines(found, old) and (open_ or not _holds_unknown(found))):
        yield from unlawful(field, old, found)


def _holds_unknown(value: JSON) -> bool:
    if is_unknown(value):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_holds_unknown, inner))
