"""Attack: nothing about a resource changes but the provider that manages it, in the update alone.

The engine calls that `same`: it asks no hook and no provider, and from then on the resource belongs
to the provider's account. As an edit of the program it is step 6. A program that was voted on and
behaves otherwise in the update gets as far as the state; the defender sees a failed run that names
the resource, and the next plan shows the move.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.engine.echo import MODULE, only
from tests.engine.echoes import Echoes
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PROGRAM = """
import pulumi_mandate

pulumi_mandate.govern()

import pulumi
from echo import Opts, Thing

ours = pulumi.ProviderResource("echo", "ours", {"account": "111111111111"})
theirs = pulumi.ProviderResource("echo", "theirs", {"account": "999999999999"})
Thing("vault", {"label": "a"}, Opts(provider=ours))
"""
MORE = PROGRAM + 'Thing("more", {"label": "b"}, Opts(provider=ours))\n'
VAULT = '"vault", {"label": "a"}, Opts(provider='
MOVED = MORE.replace(f"{VAULT}ours", f"{VAULT}theirs")
LIES = MORE.replace(f"{VAULT}ours", f"{VAULT}ours if pulumi.runtime.is_dry_run() else theirs")


def test_the_move_is_seen(
    governed: Governed, echo_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Echoes(governed, echo_path, monkeypatch)
    shop.write("echo.py", MODULE)
    shop.write("__main__.py", PROGRAM)
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    made = shop.calls

    shop.write("__main__.py", MORE)
    honest = governed.approve()
    shop.write("__main__.py", MOVED)
    assert "refused at step 6" in governed.up(ok=False)
    assert shop.calls == made
    assert governed.mandate(honest).state is MandateState.APPROVED

    shop.write("__main__.py", LIES)
    lie = governed.approve()
    governed.pulumi("up", "--yes", "--skip-preview")
    result = governed.result()
    assert result["status"] == "failed"
    assert any("::vault" in line for line in result["reasons"])
    assert governed.mandate(lie).state is MandateState.FAILED

    shop.write("__main__.py", MORE)
    moved = only(governed.plan(), "vault")
    assert moved["provider"]["before"]["urn"].endswith("::theirs")
    assert moved["provider"]["after"]["urn"].endswith("::ours")
