"""The release manifest: package, signature and chain are held against it, each by itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from pulumi_mandate.audit.release import (
    SignedRelease,
    check_code,
    check_signature,
    load_release,
    own_release,
)
from pulumi_mandate.chain import ChainClient, artifacts
from pulumi_mandate.chain.artifacts import NAMES, artifact, manifest_bytes
from pulumi_mandate.errors import EndpointsDisagree, InvalidDocument, Refused, UsageError
from pulumi_mandate.models import Address, keccak, release_digest, to_hex
from tests.chain.genesis import Deployment, Person
from tests.chain.lying import LyingEndpoint, about

Change = Callable[[dict[str, Any]], object]
RELEASER = Person("releaser")


# -- the package ---------------------------------------------------------------------------------


def test_the_package_is_its_manifests() -> None:
    release = own_release()

    assert set(release.contracts) == {artifact(name).name for name in NAMES.values()}
    assert release.digest == keccak(manifest_bytes())
    assert release.compiler == "solc 0.8.37+commit.f401782d, cancun, 200 optimizer runs"


@pytest.fixture
def damaged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Change], None]]:
    """Change one file of the package, for this test only."""
    honest = artifacts._packaged

    def forget() -> None:
        artifact.cache_clear()
        manifest_bytes.cache_clear()

    def damage(file: str, change: Change) -> None:
        content = json.loads(honest(file))
        change(content)
        data = json.dumps(content).encode()
        monkeypatch.setattr(
            artifacts, "_packaged", lambda name: data if name == file else honest(name)
        )
        forget()

    yield damage
    monkeypatch.undo()
    forget()


def test_other_creation_code_is_refused_before_it_is_used(damaged: Any) -> None:
    damaged("PlanRegistry.json", lambda file: file.update(bytecode=file["bytecode"] + "00"))

    with pytest.raises(UsageError, match="PlanRegistry is not the one of its release manifest"):
        artifact("PlanRegistry")


def test_a_contract_that_the_manifest_does_not_know_is_refused(damaged: Any) -> None:
    damaged("manifest.json", lambda file: file["contracts"].pop("MandateToken"))

    with pytest.raises(UsageError, match="MandateToken is not the one"):
        artifact("MandateToken")


def test_another_interface_is_refused(damaged: Any) -> None:
    damaged("PlanRegistry.json", lambda file: file["abi"].pop())

    with pytest.raises(Refused, match="interface of PlanRegistry"):
        own_release()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        manifest_bytes().replace(b"contracts/v1", b"contracts/v2"),
        manifest_bytes().replace(b'"sourceDigest": "0x', b'"sourceDigest": "0y'),
        manifest_bytes().replace(b'"abiDigest"', b'"abidigest"'),
        manifest_bytes().replace(b'"runs": 200', b'"runs": null'),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    assert data != manifest_bytes()
    with pytest.raises(InvalidDocument):
        load_release(data)


# -- the signature -------------------------------------------------------------------------------


def signed() -> SignedRelease:
    release = own_release()
    signature = RELEASER.sign_digest(release_digest(release.digest))
    return SignedRelease(release.digest, RELEASER.address, signature)


def test_the_digest_is_eip_712s() -> None:
    message = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
            ],
            "Release": [{"name": "manifest", "type": "bytes32"}],
        },
        "primaryType": "Release",
        "domain": {"name": "Mandate", "version": "1"},
        "message": {"manifest": own_release().digest},
    }

    other = _hash_eip191_message(encode_typed_data(full_message=message))
    assert release_digest(own_release().digest) == bytes(other)


def test_a_signature_goes_through_its_file() -> None:
    again = SignedRelease.load(signed().data)

    assert again == signed()
    check_signature(again, own_release(), RELEASER.address)


def test_a_releaser_that_only_the_file_names_counts_nothing() -> None:
    stranger = Person("stranger")
    digest_ = release_digest(own_release().digest)
    claimed = dataclasses.replace(signed(), signature=stranger.sign_digest(digest_))

    with pytest.raises(Refused, match=f"not {RELEASER.address}'s but {stranger.address}'s"):
        check_signature(claimed, own_release(), RELEASER.address)
    with pytest.raises(Refused, match="not 0x"):
        check_signature(signed(), own_release(), stranger.address)


def test_a_signature_of_another_release_is_refused() -> None:
    other = dataclasses.replace(own_release(), digest=keccak(b"another manifest"))

    with pytest.raises(Refused, match="the signature is over manifest"):
        check_signature(signed(), other, RELEASER.address)


@pytest.mark.parametrize("signature", [b"", b"\x01" * 64, b"\x00" * 65, signed().signature + b"\0"])
def test_what_is_no_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(Refused, match="but nobody's"):
        check_signature(
            dataclasses.replace(signed(), signature=signature), own_release(), RELEASER.address
        )


@pytest.mark.parametrize(
    "data",
    [
        b'{"schema":"mandate/contracts-signature/v1"}',
        signed().data.replace(b"signature/v1", b"signature/v2"),
        signed().data.replace(to_hex(own_release().digest).encode(), b"0x00"),
        signed().data.replace(b'"signature":"0x', b'"signature":"0xg'),
    ],
)
def test_a_file_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        SignedRelease.load(data)


# -- the chain -----------------------------------------------------------------------------------


@pytest.mark.chain
def test_the_chain_runs_the_release(shared_deployment: Deployment) -> None:
    assert check_code(shared_deployment.client, own_release()) == []


@pytest.mark.chain
@pytest.mark.parametrize("word", sorted(set(NAMES) - {"token"}))
def test_other_code_at_any_address_is_refused(shared_deployment: Deployment, word: str) -> None:
    trust = shared_deployment.trust
    tier = word.removesuffix("_governor")
    if tier in trust.governors._fields:
        moved = dataclasses.replace(
            trust, governors=trust.governors._replace(**{tier: trust.token})
        )
    else:
        moved = dataclasses.replace(trust, **{word: trust.token})

    with pytest.raises(Refused, match=f"not that of release 0.1.0: {word} at {trust.token}"):
        check_code(ChainClient(moved), own_release())


@pytest.mark.chain
def test_another_electorate_is_named_and_not_refused(shared_deployment: Deployment) -> None:
    trust = shared_deployment.trust
    other = dataclasses.replace(trust, token=Address(trust.access_manager))

    assert check_code(ChainClient(other), own_release()) == ["token"]


def _flipped(code: str) -> str:
    """The last byte of the code, which no constructor chooses."""
    return code[:-2] + f"{int(code[-2:], 16) ^ 1:02x}" if len(code) > 2 else code


@pytest.mark.chain
def test_one_byte_is_another_contract(shared_deployment: Deployment) -> None:
    trust = shared_deployment.trust
    with LyingEndpoint(trust.rpc[0], about("eth_getCode", _flipped)) as other:
        alone = ChainClient(dataclasses.replace(trust, rpc=(other.url,)))
        with pytest.raises(Refused, match="the code on chain is not that of release"):
            check_code(alone, own_release())

        both = ChainClient(dataclasses.replace(trust, rpc=(trust.rpc[0], other.url)))
        with pytest.raises(EndpointsDisagree, match="disagree about the code of"):
            check_code(both, own_release())
