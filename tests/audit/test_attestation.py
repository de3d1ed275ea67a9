"""Somebody else's word about a plan: exactly about this one, signed, and really his."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from pulumi_mandate.audit.attestation import SignedAttestation, check_attestation
from pulumi_mandate.errors import InvalidDocument, Refused, SignerError
from pulumi_mandate.models import Address, Attestation, Domain, keccak
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.markers import secret
from pulumi_mandate.plan.withheld import open_root
from pulumi_mandate.signing import AttestorKey, create_keystore, open_signer
from tests.gate.cases import document, operation

DOMAIN = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
PLAN = document(operation("a", after={"inputs": {"text": secret("0x" + "1" * 64)}}))
SAID = Attestation(keccak(b"plan"), PLAN.effect_root, True, PLAN.fields().program, 1_800_000_000)
PROPOSER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
HIGH = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> SignedAttestation:
    key = _key(tmp_path_factory.mktemp("attestor"), (PROPOSER,))
    return _signed(key, SAID)


def _signed(key: AttestorKey, said: Attestation) -> SignedAttestation:
    return SignedAttestation(DOMAIN, said, key.address, key.sign_attestation(DOMAIN, said))


def _key(folder: Any, parties: tuple[Address, ...]) -> AttestorKey:
    file, passphrase = folder / "key.json", folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("words")
    address = create_keystore(file, "words", scrypt_n=2)
    signer = open_signer(f"keystore://{file}?passphrase-file={passphrase}", address)
    return AttestorKey(signer, parties=(*parties, *((address,) if not parties else ())))


def check(signed: SignedAttestation, *parties: Address) -> Address:
    return check_attestation(signed, DOMAIN, SAID.plan_hash, PLAN, parties or (PROPOSER,))


def test_an_attestation_survives_its_file_and_names_who_signed(signed: SignedAttestation) -> None:
    read = SignedAttestation.load(signed.data)

    assert read == signed
    assert check(read) == signed.attestor


def test_the_typed_data_is_what_another_library_makes_of_it(signed: SignedAttestation) -> None:
    message = encode_typed_data(
        {
            "name": "Mandate",
            "version": "1",
            "chainId": DOMAIN.chain_id,
            "verifyingContract": DOMAIN.registry,
        },
        {
            "Attestation": [
                {"name": "planHash", "type": "bytes32"},
                {"name": "effectRoot", "type": "bytes32"},
                {"name": "secrets", "type": "bool"},
                {"name": "program", "type": "bytes32"},
                {"name": "attestedAt", "type": "uint64"},
            ]
        },
        {
            "planHash": SAID.plan_hash,
            "effectRoot": SAID.effect_root,
            "secrets": SAID.secrets,
            "program": SAID.program,
            "attestedAt": SAID.attested_at,
        },
    )

    assert Account.recover_message(message, signature=signed.signature) == signed.attestor


FORGERIES: dict[str, Callable[[SignedAttestation], SignedAttestation]] = {
    "another chain": lambda s: replace(s, domain=replace(DOMAIN, chain_id=1)),
    "another registry": lambda s: replace(s, domain=replace(DOMAIN, registry=PROPOSER)),
    "another plan": lambda s: _said(s, plan_hash=keccak(b"other")),
    "another effect root": lambda s: _said(s, effect_root=keccak(b"other")),
    "secrets that he did not see": lambda s: _said(s, secrets=False),
    "another program": lambda s: _said(s, program=keccak(b"other")),
    "another time": lambda s: _said(s, attested_at=1),
    "another attestor": lambda s: replace(s, attestor=PROPOSER),
    "a cut signature": lambda s: replace(s, signature=s.signature[:-1]),
    "no signature": lambda s: replace(s, signature=b""),
    "the signature's twin": lambda s: replace(s, signature=_twin(s.signature)),
}


def _said(signed: SignedAttestation, **changes: Any) -> SignedAttestation:
    return replace(signed, attestation=replace(signed.attestation, **changes))


def _twin(signature: bytes) -> bytes:
    s = HIGH - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_attestation_is_refused(signed: SignedAttestation, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        check(FORGERIES[name](signed))
    assert refusal.value.step == 7


def test_without_the_secrets_another_root_is_signed_and_it_says_so(tmp_path: Any) -> None:
    key = _key(tmp_path, (PROPOSER,))
    honest = replace(SAID, secrets=False, effect_root=open_root(PLAN.operations))

    assert check(SignedAttestation.load(_signed(key, honest).data)) == key.address
    for root, seen in ((honest.effect_root, True), (SAID.effect_root, False)):
        with pytest.raises(Refused, match="another effect root"):
            check(_signed(key, replace(SAID, secrets=seen, effect_root=root)))


def test_an_attestor_of_another_program_is_refused(tmp_path: Any) -> None:
    key = _key(tmp_path, (PROPOSER,))

    with pytest.raises(Refused, match="another program"):
        check(_signed(key, replace(SAID, program=keccak(b"other"))))


def test_nobody_attests_his_own_plan(signed: SignedAttestation, tmp_path: Any) -> None:
    with pytest.raises(Refused, match="proposes or runs this plan himself"):
        check(signed, PROPOSER, Address(signed.attestor.lower()))
    with pytest.raises(SignerError, match="cannot attest it"):
        _key(tmp_path, ())


@pytest.mark.parametrize(
    "change",
    [{"schema": "x"}, {"planHash": "0x12"}, {"chainId": "1"}, {"attestedAt": -1},
     {"signature": "0xzz"}, {"secrets": 1}, {"more": 1}, {"attestor": None}, {"signature": 5}],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(
    signed: SignedAttestation, change: dict[str, Any]
) -> None:
    with pytest.raises((InvalidDocument, Refused)):
        check(SignedAttestation.load(canonical_bytes(parse(signed.data) | change)))


def test_padding_is_another_form(signed: SignedAttestation) -> None:
    with pytest.raises(InvalidDocument):
        SignedAttestation.load(signed.data + b"\n")
