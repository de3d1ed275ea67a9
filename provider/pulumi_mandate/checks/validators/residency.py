"""Data stays under the law it was promised to.

Settings: `classes` (data class → jurisdictions where it may be, `["*"]` for anywhere),
`unclassified` ("ignore", "warn" or "fail": what a resource without a class means), `regions`
(region → jurisdictions, before the shipped table). A class and a place are read off the tags
`mandate:data-class` and `mandate:place`, which our components write, or off the inputs; a place
also off the provider and the configuration.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from ..validator import Finding, Report
from ._reading import Operation, choice, first, inputs, only, table, texts

_CLASS_TAG, _PLACE_TAG = "mandate:data-class", "mandate:place"
_CLASS = ("data_class", "dataClass")
_PLACE = ("jurisdiction", "region", "location")
_GROUPS = ("pulumi:",)
"""Types that bear no data themselves."""


class Residency:
    """`residency` in the rules."""

    id = "residency"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "classes", "unclassified", "regions")
        classes = {
            name: texts(places, "classes") for name, places in table(settings, "classes").items()
        }
        law = _Law(table(settings, "regions"))
        unclassified = choice(settings, "unclassified", "ignore", "warn", "fail")
        wrong, unknown = [], []
        providers = {op["urn"]: op for op in plan["operations"]}
        for operation in plan["operations"]:
            if operation["after"] is None or operation["type"].startswith(_GROUPS):
                continue
            bears = _read(operation, _CLASS_TAG, _CLASS)
            if bears is None:
                unknown.append(Finding(operation["urn"], "it bears data of no stated class"))
                continue
            place = _place(operation, providers, plan["config"])
            wrong += [
                Finding(operation["urn"], message) for message in _told(bears, place, classes, law)
            ]
        return Report.of(
            fail=[*wrong, *(unknown if unclassified == "fail" else ())],
            warn=unknown if unclassified == "warn" else (),
        )


class _Law:
    def __init__(self, own: Mapping[str, Any]) -> None:
        shipped = tomllib.loads(files(__package__).joinpath("regions.toml").read_text("utf-8"))
        self._regions: dict[str, list[str]] = shipped["regions"]
        self._regions |= {name: texts(places, "regions") for name, places in own.items()}
        self._members: dict[str, list[str]] = shipped["members"]

    def of(self, place: str) -> set[str]:
        """The jurisdictions a place is under; a jurisdiction is under itself and its unions."""
        found = {*self._regions.get(place, [place])}
        return found | {union for union, members in self._members.items() if found & {*members}}


def _told(bears: Any, place: Any, classes: Mapping[str, list[str]], law: _Law) -> Iterator[str]:
    if not isinstance(bears, str):
        yield "the class of its data is not known before it runs"
    elif bears not in classes:
        yield f"the rules say nothing about data of the class {bears!a}"
    elif "*" in classes[bears]:
        return
    elif not isinstance(place, str):
        yield f"nobody can say where it keeps its {bears} data"
    elif not law.of(place) & {*classes[bears]}:
        yield f"{bears} data may not be in {place!a}, only in {', '.join(classes[bears])}"


def _place(operation: Operation, others: Mapping[str, Operation], config: Mapping[str, Any]) -> Any:
    """Its own word, its provider's, the configuration's; the first that says anything."""
    own = _read(operation, _PLACE_TAG, _PLACE)
    if own is not None:
        return own
    provider = others.get(((operation["provider"]["after"] or {}).get("urn")) or "")
    told = first(inputs(provider, "after"), _PLACE) if provider else None
    return told if told is not None else config.get("aws:region")


def _read(operation: Operation, tag: str, names: tuple[str, ...]) -> Any:
    values = inputs(operation, "after")
    tags = values.get("tags")
    told = tags.get(tag) if isinstance(tags, dict) else None
    return told if told is not None else first(values, names)
