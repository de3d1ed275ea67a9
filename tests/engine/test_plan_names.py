"""Names that somebody else chooses: the same in every plan, or a refusal that says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.verify import verify_effects
from pulumi_mandate.plan.compare import differences, refines
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.render import render_text
from tests.engine.checkouts import Checkout
from tests.engine.echo import found, only, write_echo

pytestmark = pytest.mark.engine

PROGRAM = """
logs = Thing("logs", {"named": "logs"})
Thing("reader", {"source": logs.name})
Thing("typed", {"name": "logs-1a2b3c4", "named": "typed"})
"""
MARKER = {"mandate:v1": "auto-name", "prefix": "logs-", "drawn": "hex(7)"}
PATTERN = ("config", "set", "--path", "pulumi:autonaming.pattern", "${name}-${hex(7)}")


def test_a_name_that_the_engine_draws_is_one_marker_in_every_preview(
    echo_checkout: Callable[[], Checkout],
) -> None:
    checkout = write_echo(echo_checkout(), PROGRAM).init()
    checkout.pulumi(*PATTERN)
    first, second = checkout.document(), checkout.document()
    checkout.up()
    write_echo(checkout, PROGRAM.replace('{"named": "logs"}', '{"named": "logs", "more": 1}'))
    later = only(checkout.document(), "logs")

    assert first.data == second.data
    assert only(first, "logs")["after"]["inputs"]["name"] == MARKER
    assert only(first, "reader")["after"]["inputs"]["source"] == MARKER
    assert only(first, "typed")["after"]["inputs"]["name"] == "logs-1a2b3c4"
    assert "drawn when it is made" in render_text(first)
    # What it became refines the marker, and stays as it is from then on.
    name = later["before"]["inputs"]["name"]
    assert refines(MARKER, name)
    assert later["after"]["inputs"]["name"] == name


def test_a_name_chosen_anew_for_a_replacement_is_a_marker(
    echo_checkout: Callable[[], Checkout],
) -> None:
    program = 'Thing("logs", {"named": "logs", "kind": "a"})'
    checkout = write_echo(echo_checkout(), program).init()
    checkout.pulumi(*PATTERN)
    checkout.up()
    made = found(write_echo(checkout, program.replace('"a"', '"b"')).document(), "logs")[0]

    assert made["op"] == "create-replacement"
    assert made["before"]["inputs"]["name"].startswith("logs-")
    assert made["after"]["inputs"]["name"] == MARKER


def test_a_name_drawn_in_an_unknown_way_is_refused_with_a_remedy(
    echo_checkout: Callable[[], Checkout],
) -> None:
    checkout = write_echo(echo_checkout(), 'Thing("logs", {"named": "logs"})').init()
    approved, again = checkout.document(), checkout.document()

    assert isinstance(only(approved, "logs")["after"]["inputs"]["name"], str)
    assert [difference.drawn_again for difference in differences(approved, again)] == [True]
    with pytest.raises(Refused, match="approved") as refusal:
        verify_effects(approved, again)
    assert "draws anew" in refusal.value.diagnostics()
    assert "pulumi:autonaming" in refusal.value.next_step
    assert Document.load(approved.data).data != again.data
