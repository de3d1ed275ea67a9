"""`verify N` and `vote N` are about proposal N, as every endpoint shows it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.chain.trust import load_trust, render_trust
from pulumi_mandate.models import to_hex
from tests.chain.lying import LyingEndpoint, about
from tests.cli.conftest import Office

pytestmark = pytest.mark.chain


def test_a_second_proposal_of_a_plan_is_verified_itself(office: Office) -> None:
    made = office.history
    made.propose()
    ana, client = made.deployment.people["ana"], made.sources.client
    first, registry = made.sources.governor.created(1), client.contract("registry")
    text = f"Harmless\n\n#proposer={ana.address}"
    client.transact(ana, first.governor, "propose", [registry.address], [0], [first.calldata], text)

    assert office.ok("verify", "1", "--json").json["proposal"] == 1
    said = office.mandate("verify", "2", "--json")

    assert said.code == 3
    assert said.json["proposal"] == 2
    assert {link["name"] for link in said.json["links"] if not link["ok"]} == {"text", "proposer"}


def test_a_ballot_names_its_plan_and_needs_every_endpoint(office: Office) -> None:
    made = office.history
    made.propose()
    office.advance(made.deployment.terms.voting_delay + 1)
    plan = to_hex(made.plan)
    trust = load_trust(office.trust_file)

    with LyingEndpoint(trust.rpc[0], about("eth_getLogs", lambda _: [])) as liar:
        _rpc(office.trust_file, trust.rpc[0], liar.url)
        said = office.mandate("vote", "1", "for", "--as", "ana")
    assert said.code == 4
    assert made.sources.governor.votes(1) == []

    _rpc(office.trust_file, *trust.rpc)
    assert (
        f"ana voted for proposal 1, plan {plan}"
        in office.ok("vote", plan, "for", "--as", "ana").out
    )
    said = office.ok("vote", "1", "against", "--as", "ben", "--json")
    assert said.json["planHash"] == plan


def _rpc(file: Path, *urls: str) -> None:
    file.write_text(render_trust(dataclasses.replace(load_trust(file), rpc=urls)))
