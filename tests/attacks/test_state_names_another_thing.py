"""Attack: `pulumi stack import` gives an approved resource another physical id.

The program is the approved one, and the update would change somebody else's thing. The defender
sees step 7 and that the base of the change, the state that was voted on, is another one.
"""

from __future__ import annotations

import json

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_id_in_the_state_is_refused(deployed: Attacked) -> None:
    file = deployed.folder.parent / "state.json"
    deployed.pulumi("stack", "export", "--file", str(file))
    state = json.loads(file.read_text())
    for resource in state["deployment"]["resources"]:
        if resource["urn"].endswith("::first"):
            resource["id"] = "somebody-elses"
    file.write_text(json.dumps(state))
    deployed.pulumi("stack", "import", "--file", str(file))

    deployed.refused(7, "base: approved", "Nothing was changed.")
