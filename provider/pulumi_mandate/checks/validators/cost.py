"""What the plan adds to the monthly bill, by list price.

Settings: `limit` (dollars a month that may be added), `unpriced` ("warn" or "fail": what a resource
without a price means), `source` ("table" or "aws-price-list"), `prices` (a list of tables like
those in `prices.toml`, looked at first). Measure: `usdPerMonth`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

from pulumi_mandate.errors import UsageError

from ..validator import Finding, Report
from ._reading import GONE, MADE, Operation, choice, first, fits, inputs, number, only, texts

HOURS = Decimal(730)
"""Of a month, as AWS's own calculator counts them."""
PriceOf = Callable[[str, Mapping[str, Any]], Decimal | None]


@dataclass(frozen=True, slots=True)
class Price:
    """A line of the table: a fixed price, or one per value of an input."""

    types: tuple[str, ...]
    fixed: Decimal | None
    input: tuple[str, ...]
    hourly: Mapping[str, Decimal]

    def of(self, values: Mapping[str, Any]) -> Decimal | None:
        """Dollars a month; None where the input has no price, or nobody knows it yet."""
        if self.fixed is not None:
            return self.fixed
        chosen = first(values, self.input)
        hourly = self.hourly.get(chosen) if isinstance(chosen, str) else None
        return None if hourly is None else hourly * HOURS


class Cost:
    """`cost` in the rules."""

    id = "cost"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "limit", "unpriced", "source", "prices")
        limit, unpriced = number(settings, "limit"), choice(settings, "unpriced", "warn", "fail")
        price_of = _prices(settings, plan["config"].get("aws:region"))
        total, unknown = Decimal(0), []
        for operation in plan["operations"]:
            delta = _delta(operation, price_of)
            if delta is None:
                message = f"no price is known for this {operation['type']}"
                unknown.append(Finding(operation["urn"], message))
            total += delta or 0
        added = float(round(total, 2))
        over = []
        if limit is not None and added > limit:
            over.append(Finding("", f"more than {limit:g} dollars a month are added"))
        return Report.of(
            fail=[*over, *(unknown if unpriced == "fail" else ())],
            warn=unknown if unpriced == "warn" else (),
            measures={"usdPerMonth": added, "unpriced": len(unknown)},
        )


def _delta(operation: Operation, price_of: PriceOf) -> Decimal | None:
    """Dollars a month that one operation adds; None where a price it needs is not known."""
    changes = operation["op"] == "update"
    total = Decimal(0)
    for side, counts in (
        ("before", changes or operation["op"] in GONE),
        ("after", changes or operation["op"] in MADE),
    ):
        if not counts:
            continue
        price = price_of(operation["type"], inputs(operation, side))
        if price is None:
            return None
        total += price if side == "after" else -price
    return total


def _prices(settings: Mapping[str, Any], region: object) -> PriceOf:
    shipped = tomllib.loads(files(__package__).joinpath("prices.toml").read_text("utf-8"))["price"]
    own = settings.get("prices", [])
    if not isinstance(own, list):
        raise UsageError("the setting `prices` is a list of tables")
    table = [_price(entry) for entry in (*own, *shipped)]
    asked = choice(settings, "source", "table", "aws-price-list")
    if asked == "aws-price-list":
        from ._price_list import PriceList

        listed = PriceList(region if isinstance(region, str) else None)

    def price_of(kind: str, values: Mapping[str, Any]) -> Decimal | None:
        if asked == "aws-price-list" and (found := listed.monthly(kind, values)) is not None:
            return found
        line = next((line for line in table if fits(kind, line.types)), None)
        return line.of(values) if line else None

    return price_of


def _price(entry: object) -> Price:
    if not isinstance(entry, dict):
        raise UsageError("the setting `prices` is a list of tables")
    only(entry, "types", "usd_per_month", "input", "usd_per_hour")
    hourly = entry.get("usd_per_hour", {})
    numbers = [*hourly.values()] if isinstance(hourly, dict) else [None]
    numbers += [entry["usd_per_month"]] if "usd_per_month" in entry else []
    if not numbers or not all(type(value) in (int, float) for value in numbers):
        raise UsageError("a price is `usd_per_month`, or `input` and a table `usd_per_hour`")
    fixed = entry.get("usd_per_month")
    return Price(
        tuple(texts(entry.get("types"), "types")),
        None if fixed is None else Decimal(str(fixed)),
        tuple(texts(entry.get("input", []), "input")),
        {name: Decimal(str(value)) for name, value in hourly.items()},
    )
