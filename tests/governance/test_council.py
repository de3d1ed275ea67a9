"""The council's word on a real chain: enough seats, one call, once, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account

from pulumi_mandate.errors import ContractRefused, Refused, UsageError
from pulumi_mandate.governance import Registry
from pulumi_mandate.governance.council import VALID_FOR, Agreement, Council, read_agreement
from pulumi_mandate.models import Address, council_digest, keccak
from tests.chain.genesis import SEATS, Deployment, Person
from tests.governance.cases import a_plan, council_says, hash_of

pytestmark = pytest.mark.chain


class Key:
    """A seat's key as `SeatKey` offers it."""

    def __init__(self, name: str) -> None:
        self.person = Person(name)
        self.address = self.person.address

    def sign_call(self, call: Any) -> bytes:
        return self.person.sign_digest(council_digest(call))


@pytest.fixture
def council(deployment: Deployment) -> Council:
    return Council(deployment.client)


@pytest.fixture
def wanted(deployment: Deployment, council: Council) -> Agreement:
    return council.cosigning(hash_of(deployment, a_plan(deployment)))


def test_two_of_three_say_it_in_any_order(
    deployment: Deployment, council: Council, wanted: Agreement
) -> None:
    digest = hash_of(deployment, a_plan(deployment))
    assert council.threshold == 2

    council_says(deployment, wanted, [SEATS[2], SEATS[0]])

    assert Registry(deployment.client).mandate(digest).cosigner == deployment.trust.council


def test_what_a_seat_signs_is_what_the_contract_hashes(
    deployment: Deployment, wanted: Agreement
) -> None:
    """And what a wallet shows that knows nothing of ours."""
    call = wanted.call
    words = (call.target, call.data, call.nonce, call.deadline)
    on_chain = deployment.client.call("council", "hashCall", words)
    signed = Account.sign_typed_data(
        Person("ana").local.key,
        {"name": "Council", "version": "1", "chainId": call.chain_id,
         "verifyingContract": call.council},
        {"Call": [
            {"name": "target", "type": "address"}, {"name": "data", "type": "bytes"},
            {"name": "nonce", "type": "uint256"}, {"name": "deadline", "type": "uint64"},
        ]},
        {"target": call.target, "data": call.data, "nonce": call.nonce, "deadline": call.deadline},
    )  # fmt: skip

    assert bytes(on_chain) == council_digest(call)
    assert bytes(signed.message_hash) == council_digest(call)


@pytest.mark.parametrize("seats", [SEATS[:1], ()])
def test_too_few_seats_say_nothing(
    deployment: Deployment, wanted: Agreement, seats: tuple[str, ...]
) -> None:
    with pytest.raises(ContractRefused, match="CouncilNotAgreed"):
        council_says(deployment, wanted, seats)


def test_whoever_has_no_seat_is_told_before_anything_is_sent(
    deployment: Deployment, council: Council, wanted: Agreement
) -> None:
    for name in ("guardian", "stranger"):
        with pytest.raises(Refused, match="has no seat"):
            council.agree(wanted, None, Key(name))  # type: ignore[arg-type]
        with pytest.raises(Refused, match="has no seat"):
            council_says(deployment, wanted, [SEATS[0], name])


def test_a_file_about_something_else_is_not_signed(
    deployment: Deployment, council: Council, wanted: Agreement
) -> None:
    """Otherwise whoever hands the file round decides what the others say yes to."""
    other = council.cosigning(keccak(b"another plan"))
    given = council.agree(other, None, Key("ana"))  # type: ignore[arg-type]
    admitting = council.admitting(deployment.people["stranger"].address)

    for file in (given, admitting):
        with pytest.raises(Refused, match="about another call"):
            council.agree(wanted, file, Key("ben"))  # type: ignore[arg-type]


def test_a_changed_file_is_found_out(
    deployment: Deployment, council: Council, wanted: Agreement
) -> None:
    signed = council.agree(wanted, None, Key("ana"))  # type: ignore[arg-type]
    later = replace(signed, call=replace(signed.call, deadline=signed.call.deadline + 1))
    swapped = {Person("ben").address: signed.signatures[Person("ana").address]}

    for changed in (later, replace(signed, signatures=swapped)):
        with pytest.raises(Refused, match="is not by that seat"):
            council.check(changed)


def test_a_file_of_another_council_or_chain_is_refused(council: Council, wanted: Agreement) -> None:
    elsewhere = Address("0x" + "11" * 20)
    for call in (replace(wanted.call, chain_id=1), replace(wanted.call, council=elsewhere)):
        with pytest.raises(Refused, match="another chain or another council"):
            council.check(Agreement(call))


def test_what_was_said_is_not_said_again(deployment: Deployment, wanted: Agreement) -> None:
    council_says(deployment, wanted)

    with pytest.raises(Refused, match="out of date"):
        council_says(deployment, wanted)


def test_signatures_grow_old(deployment: Deployment, wanted: Agreement) -> None:
    deployment.advance(VALID_FOR + 1)

    with pytest.raises(Refused, match="out of date"):
        council_says(deployment, wanted)


def test_what_the_registry_refuses_is_told_in_its_words(
    deployment: Deployment, council: Council, wanted: Agreement
) -> None:
    council_says(deployment, wanted)
    digest = hash_of(deployment, a_plan(deployment))
    deployment.client.transact(deployment.people["guardian"], "registry", "revoke", digest)

    with pytest.raises(ContractRefused, match="PlanRegistryUnexpectedState"):
        council_says(deployment, council.cosigning(digest))


def test_the_guardian_is_no_council(deployment: Deployment) -> None:
    digest = hash_of(deployment, a_plan(deployment))

    with pytest.raises(ContractRefused, match="AccessManagedUnauthorized"):
        deployment.client.transact(deployment.people["guardian"], "registry", "cosign", digest)


def test_a_file_is_read_back_as_it_was(council: Council, wanted: Agreement) -> None:
    signed = council.agree(wanted, None, Key("ana"))  # type: ignore[arg-type]

    assert read_agreement(signed.text()) == signed


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"more": 1},
        {"council": "0x12"},
        {"nonce": "x"},
        {"signatures": []},
        {"signatures": {"ana": "0x"}},
        {"data": 1},
    ],
)
def test_anything_else_is_no_agreement(wanted: Agreement, change: dict[str, Any]) -> None:
    content = json.loads(wanted.text()) | change

    with pytest.raises(UsageError, match="no agreement"):
        read_agreement(json.dumps(content))
    for text in ("", "[]", "null", "{}"):
        with pytest.raises(UsageError, match="no agreement"):
            read_agreement(text)
