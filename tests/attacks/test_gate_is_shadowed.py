"""Attack: the program brings a module `pulumi_mandate`, which Python imports in place of the gate.

It has a `govern` that does nothing, so nobody can be asked from inside such a program. Whoever
proposes it is told at step 1, and the approved plan is not spent.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

EMPTY = "def govern() -> None:\n    pass\n"


def test_a_gate_of_his_own_is_not_proposed(approved: Attacked) -> None:
    (approved.folder / "pulumi_mandate.py").write_text(EMPTY)

    from pulumi_mandate.errors import Refused

    with pytest.raises(Refused, match="a module pulumi_mandate of its own") as refusal:
        approved.plan()

    assert refusal.value.step == 1
    approved.untouched()
