"""What every key store must do, and mostly what it must refuse. Run on each row of the harness."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import prod

import dill
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from pulumi_mandate.errors import SignerError
from pulumi_mandate.models import Digest, Domain, ExecutionOrder, keccak, signing_digest
from pulumi_mandate.signing import (
    SCHEMES,
    AccountKey,
    ExecutorKey,
    ProofKey,
    Signature,
    Signer,
    enrol,
    open_signer,
    recover,
)
from tests.plugins.hsm_fixtures import PIN
from tests.signing.mishaps import (
    BACKENDS,
    CASES,
    MISHAPS,
    NO_NOTION_OF,
    PASSPHRASE,
    SIGNS_ON,
    Harness,
)

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
SOON = 8
"""Seconds, also on a busy machine: three refusals, none of which waits for its key store."""
WRONG_DIGESTS = {
    "empty": b"",
    "31 bytes": bytes([7]) * 31,
    "33 bytes": bytes([7]) * 33,
    "64 bytes": bytes([7]) * 64,
    "all zero": bytes(32),
    "text of 32 letters": "a" * 32,
    "hex text": "0x" + "07" * 32,
    "bytearray": bytearray(b"\7" * 32),
    "list": [7] * 32,
    "number": 7,
    "nothing": None,
}


def test_what_is_signed_recovers_to_the_enrolled_address(signer: Signer) -> None:
    for index in range(16):  # about half of a KMS's raw signatures have the high s
        digest = keccak(index.to_bytes(2, "big"))

        signature = signer.sign(digest)

        assert recover(digest, signature) == signer.address
        assert 0 < signature.s <= ORDER // 2
        assert signature.v in (27, 28)


def test_an_order_recovers_in_an_independent_library(signer: Signer, domain: Domain) -> None:
    order = ExecutionOrder(keccak(b"p"), keccak(b"r"), signer.address, 10, 1, 20)

    signature = ExecutorKey(signer, development=True).sign_order(domain, order)

    assert len(signature) == 65
    found = Account._recover_hash(signing_digest(domain, order), signature=signature)
    assert found == signer.address


def test_a_transaction_recovers_in_an_independent_library(signer: Signer) -> None:
    raw = AccountKey(signer).sign_transaction(
        {
            "chainId": 31337,
            "nonce": 0,
            "gas": 21000,
            "maxFeePerGas": 2,
            "maxPriorityFeePerGas": 1,
            "value": 5,
            "data": b"",
            "to": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        }
    )

    assert Account.recover_transaction(raw) == signer.address


def test_a_proof_recovers_in_an_independent_library(signer: Signer) -> None:
    challenge = "rotation 2027-01-15, \u00fc"

    proof = ProofKey(signer).prove(challenge)

    asked = encode_typed_data(
        {"name": "Mandate", "version": "1"},
        {
            "Possession": [
                {"name": "key", "type": "address"},
                {"name": "challenge", "type": "string"},
            ]
        },
        {"key": signer.address, "challenge": challenge},
    )
    assert Account.recover_message(asked, signature=proof) == signer.address
    with pytest.raises(SignerError, match="only a text"):
        ProofKey(signer).prove(b"\x07" * 32)  # type: ignore[arg-type]


def test_many_threads_may_share_a_key(signer: Signer) -> None:
    digests = [keccak(bytes([index])) for index in range(24)]

    with ThreadPoolExecutor(4) as pool:
        signatures = list(pool.map(signer.sign, digests))

    for digest, signature in zip(digests, signatures, strict=True):
        assert recover(digest, signature) == signer.address


@pytest.mark.parametrize("wrong", WRONG_DIGESTS.values(), ids=WRONG_DIGESTS.keys())
def test_a_digest_of_another_shape_is_refused(signer: Signer, wrong: Digest) -> None:
    with pytest.raises(SignerError):
        signer.sign(wrong)


def test_another_pinned_address_is_refused(harness) -> None:
    uri, _ = enrol(harness.new_key())
    _, other = enrol(harness.new_key())

    with pytest.raises(SignerError, match="was enrolled"):
        open_signer(uri, other)


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(str.lower, id="lower case"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: None, id="missing"),
        pytest.param(lambda _: "0x" + "0" * 40, id="zero"),
        pytest.param(lambda address: address[:-1], id="too short"),
    ],
)
def test_a_pin_that_is_no_checksummed_address_is_refused(harness, mangle) -> None:
    uri, address = enrol(harness.new_key())

    with pytest.raises(SignerError, match="not an address"):
        open_signer(uri, mangle(address))


def test_a_signature_is_not_believed_for_another_digest(signer: Signer) -> None:
    signature = signer.sign(keccak(b"one"))

    assert recover(keccak(b"two"), signature) != signer.address


def test_the_high_twin_of_a_signature_is_refused(signer: Signer, digest: Digest) -> None:
    signature = signer.sign(digest)
    twin = Signature(signature.r, ORDER - signature.s, 55 - signature.v)
    # the twin is a real signature for lax libraries: that is why it must be refused here
    assert Account._recover_hash(digest, signature=twin.to_bytes()) == signer.address

    with pytest.raises(SignerError, match="high half"):
        recover(digest, twin)


def test_a_development_key_is_no_executor(signer: Signer) -> None:
    with pytest.raises(SignerError, match="development backend"):
        ExecutorKey(signer)


@pytest.mark.parametrize("almost", [1, "yes", None])
def test_development_is_switched_on_by_true_alone(signer: Signer, almost: object) -> None:
    with pytest.raises(SignerError, match="development backend"):
        ExecutorKey(signer, development=almost)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dumps",
    [
        pytest.param(pickle.dumps, id="pickle"),
        # what pulumi.dynamic does to a provider and all it captured
        pytest.param(lambda value: dill.dumps(value, recurse=True), id="dill"),
    ],
)
def test_no_key_can_be_serialised(signer: Signer, dumps) -> None:
    for value in (signer, ExecutorKey(signer, development=True), AccountKey(signer)):
        with pytest.raises(SignerError, match="serialised"):
            dumps(value)
        with pytest.raises(SignerError, match="serialised"):
            dumps({"nested": [value]})


def test_a_key_says_its_address_and_nothing_else(signer: Signer) -> None:
    assert repr(signer) == f"GatedSigner({signer.address})"
    assert repr(AccountKey(signer)) == f"AccountKey({signer.address})"


def test_an_unknown_option_in_the_uri_is_refused(harness) -> None:
    from pulumi_mandate.errors import UsageError

    uri = harness.new_key()
    with pytest.raises(UsageError, match="unknown options: regoin"):
        enrol(uri + ("&" if "?" in uri else "?") + "regoin=x")


def test_nothing_is_left_out_without_a_reason(harness: Harness) -> None:
    unknown = {mishap for store, mishap in NO_NOTION_OF if store == harness.name}

    assert harness.mishaps.keys() | unknown == set(MISHAPS)
    assert not harness.mishaps.keys() & unknown


def test_every_key_store_is_in_the_suite() -> None:
    assert {*BACKENDS, "broker"} == SCHEMES.keys()


@pytest.mark.parametrize(("harness", "mishap"), CASES, indirect=["harness"])
def test_after_a_mishap_nobody_gets_a_signature(
    harness: Harness, mishap: str, digest: Digest
) -> None:
    """Neither who had the key open nor who opens it now, nor in a dry run: soon, in words that say
    what to do and hold no secret and no digest."""
    uri, address = enrol(harness.new_key())
    opened_before = open_signer(uri, address)
    harness.mishaps[mishap](uri)

    began = time.monotonic()
    if (harness.name, mishap) in SIGNS_ON:
        assert recover(digest, opened_before.sign(digest)) == address
    else:
        refused(lambda: opened_before.sign(digest), digest)
    refused(lambda: open_signer(uri, address).sign(digest), digest)
    refused(lambda: ProofKey(open_signer(uri, address)).prove("is it still there"), digest)
    assert time.monotonic() - began < SOON


def refused(sign: Callable[[], object], digest: Digest) -> None:
    with pytest.raises(SignerError) as refusal:
        sign()
    told = refusal.value.diagnostics()
    assert refusal.value.next_step
    for unsaid in (digest.hex(), PASSPHRASE, PIN, "SECRET"):
        assert unsaid not in told


def test_a_dry_run_gives_nothing_that_anything_else_takes(signer: Signer, domain: Domain) -> None:
    """`mandate keys prove` really signs: words of their own kind, whatever is written in them."""
    order = ExecutionOrder(keccak(b"p"), keccak(b"r"), signer.address, 10, 1, 20)
    digests = [signing_digest(domain, order), keccak(b"p")]

    for words in ("is it still there", *(digest.hex() for digest in digests)):
        proof = ProofKey(signer).prove(words)
        for digest in digests:
            assert Account._recover_hash(digest, signature=proof) != signer.address


def test_a_store_that_answers_the_high_twin_is_brought_low(
    signer: Signer, digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = type(signer._backend)  # type: ignore[attr-defined]
    honest = backend.sign_raw
    answered = []

    def high(self: object, found: Digest) -> tuple[int, int]:
        r, s = honest(self, found)
        answered.append(max(s, ORDER - s))
        return r, answered[-1]

    monkeypatch.setattr(backend, "sign_raw", high)

    signature = signer.sign(digest)
    assert answered == [ORDER - signature.s]
    assert recover(digest, signature) == signer.address


def test_many_threads_may_open_a_key_at_once(harness: Harness, digest: Digest) -> None:
    uri, address = enrol(harness.new_key())

    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(lambda _: open_signer(uri, address).sign(digest), range(8)))

    assert {recover(digest, signature) for signature in signed} == {address}


def test_a_rotation_under_many_threads_lets_no_other_key_sign(harness: Harness) -> None:
    """Half of a run is signed; then there is another key. Whoever is refused is refused; whatever
    was signed is by the one that was enrolled."""
    uri, address = enrol(harness.new_key())
    signer = open_signer(uri, address)
    digests = [keccak(bytes([index])) for index in range(16)]

    def sign(digest: Digest) -> bool:
        try:
            return recover(digest, signer.sign(digest)) == address
        except SignerError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(sign, digests[:8]))
        harness.mishaps["another under its name"](uri)
        after = (harness.name, "another under its name") in SIGNS_ON
        assert set(pool.map(sign, digests[8:])) == {after}


def test_a_rotation_in_the_middle_is_a_new_enrolment(harness: Harness, digest: Digest) -> None:
    """Of two addresses the old one is refused, and the new one signs once it is enrolled."""
    uri, address = enrol(harness.new_key())
    harness.mishaps["another under its name"](uri)

    with pytest.raises(SignerError, match="was enrolled"):
        open_signer(uri, address)
    _, renewed = enrol(uri)
    assert renewed != address
    assert recover(digest, open_signer(uri, renewed).sign(digest)) == renewed


def test_a_key_that_signs_other_words_is_not_asked_twice(
    signer: Signer, digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that hashes again, pads, or answers for another key: once, and never a second try."""
    backend = signer._backend  # type: ignore[attr-defined]
    asked = []

    def other_words(self: object, found: Digest) -> tuple[int, int]:
        asked.append(found)
        return honest(self, keccak(found))

    honest = type(backend).sign_raw
    monkeypatch.setattr(type(backend), "sign_raw", other_words)

    with pytest.raises(SignerError, match="is not by"):
        signer.sign(digest)
    assert asked == [digest]


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (ORDER, 1), (1, ORDER), (-1, 1), (1, 2**256)])
def test_numbers_that_are_no_signature_are_refused(
    signer: Signer, digest: Digest, numbers: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(signer._backend), "sign_raw", lambda *_: numbers)  # type: ignore[attr-defined]

    with pytest.raises(SignerError, match="no signature"):
        signer.sign(digest)


WHAT_WORKS = {
    "test_what_is_signed_recovers_to_the_enrolled_address",
    "test_an_order_recovers_in_an_independent_library",
    "test_a_transaction_recovers_in_an_independent_library",
    "test_a_proof_recovers_in_an_independent_library",
    "test_many_threads_may_share_a_key",
    "test_many_threads_may_open_a_key_at_once",
    "test_a_store_that_answers_the_high_twin_is_brought_low",
}


def test_refusals_outnumber_signatures_three_to_one() -> None:
    cases = {
        name: prod(
            len(mark.args[1])
            for mark in getattr(test, "pytestmark", [])
            if mark.name == "parametrize" and "harness" not in mark.args[0]
        )
        for name, test in globals().items()
        if name.startswith("test_") and name != "test_refusals_outnumber_signatures_three_to_one"
    }

    assert cases.keys() >= WHAT_WORKS
    works = sum(cases[name] for name in WHAT_WORKS)
    assert sum(cases.values()) - works >= 3 * works
