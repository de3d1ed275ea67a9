"""Attack: the state is put back to what it was before the run, and the same mandate runs once more.

The gate compares with the one mandate that is left, and the registry refuses the spent one whoever
signs. The defender sees step 6, and the state of the mandate.
"""

from __future__ import annotations

import json

import pytest

from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.models import signing_digest
from tests.governance.cases import an_order
from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_spent_mandate_does_nothing(deployed: Attacked) -> None:
    file = deployed.folder.parent / "state.json"
    deployed.pulumi("stack", "export", "--file", str(file))
    state = json.loads(file.read_text())
    del state["deployment"]["resources"]
    file.write_text(json.dumps(state))
    deployed.pulumi("stack", "import", "--file", str(file))
    deployed.program(PROGRAM)

    [done] = deployed.runs()
    spent = done.record().plan_hash

    deployed.refused(6, "the program is not the one that was voted on")

    order = an_order(deployed.deployment, deployed.fields(spent))
    signature = deployed.people["executor"].sign_digest(
        signing_digest(deployed.deployment.domain, order)
    )
    with pytest.raises(ContractRefused, match="PlanRegistryUnexpectedState"):
        deployed.registry.begin(deployed.fields(spent), order, signature, deployed.people["runner"])
