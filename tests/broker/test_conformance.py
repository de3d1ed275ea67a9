"""The key conformance suite for `broker:`, which signs what it can read and no bare digest.

The rows are those of tests/signing/test_conformance.py. What becomes of the key becomes of the
broker's own key, inside its process; the caller hears of it through real TLS.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_mandate.broker.service import Broker
from pulumi_mandate.errors import MandateError, Refused, SignerError
from pulumi_mandate.models import Digest, Renewal, keccak, signing_digest
from pulumi_mandate.signing import ExecutorKey, ProofKey, Signature, open_signer, recover
from pulumi_mandate.signing._curve import ORDER
from pulumi_mandate.signing._keystore import KeystoreBackend
from pulumi_mandate.svid import caller
from tests.broker.stage import CONTROLLER, STRANGER, Stage
from tests.gate.cases import RUN
from tests.signing.mishaps import MISHAPS, NO_NOTION_OF

pytestmark = pytest.mark.chain
Raw = tuple[int, int]
Change = Callable[[Raw], Raw]
SAID_BY_ITS_KEY_STORE = ("disabled", "pending deletion", "gone", "denied", "throttle")
OTHER_TESTS = ("another under its name", "time-out")


def renewal(stage: Stage, life: int = 3600) -> Renewal:
    now = stage.deployment.client.now()
    return Renewal(RUN, now + life, 1, now + 600)


def renews(stage: Stage, key: ExecutorKey | None = None) -> bytes:
    return (key or stage.executor()).sign_renewal(stage.deployment.domain, renewal(stage))


def last_event(stage: Stage) -> dict[str, str]:
    return dict(json.loads(stage.events()[-1]))


def numbers(made: bytes) -> Raw:
    return int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big")


def answering(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The broker lies: its own gate has let the signature pass before."""
    honest = Broker._sign

    def lie(self: Broker, *asked: Any) -> dict[str, str]:
        r, s = change(numbers(bytes.fromhex(honest(self, *asked)["signature"][2:])))
        return {"signature": "0x" + Signature(r, s, 27).to_bytes().hex()}

    monkeypatch.setattr(Broker, "_sign", lie)


def test_nothing_is_left_out_without_a_reason() -> None:
    unknown = {mishap for store, mishap in NO_NOTION_OF if store == "broker"}

    assert {*SAID_BY_ITS_KEY_STORE, *OTHER_TESTS} | unknown == set(MISHAPS)


@pytest.mark.parametrize("mishap", SAID_BY_ITS_KEY_STORE)
def test_what_its_key_store_says_is_what_the_caller_hears(
    stage: Stage, mishap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Raw:
        raise SignerError(f"the key is {mishap}", next_step="find out who did it")

    monkeypatch.setattr(KeystoreBackend, "sign_raw", refuse)

    with pytest.raises(SignerError, match=f"the key is {mishap}") as heard:
        renews(stage)
    assert heard.value.next_step == "find out who did it"
    assert last_event(stage)["event"] == "refused"


def test_a_caller_that_may_not_ask_is_denied(stage: Stage) -> None:
    with pytest.raises(Refused, match="is not enrolled"):
        stage.executor(STRANGER)


def test_a_broker_that_never_answers_times_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(stage, "port", silent.getsockname()[1])

        with pytest.raises(SignerError, match="cannot be asked: TimeoutError") as heard:
            stage.executor()
    assert "Nothing was signed" in heard.value.meaning


def test_another_key_behind_it_is_found_out_when_it_is_opened(stage: Stage) -> None:
    enrolled = stage.deployment.people["stranger"].address

    with pytest.raises(SignerError, match="was enrolled"):
        open_signer(f"broker://{stage.client_file(CONTROLLER)}", enrolled)


def test_a_rotation_in_the_middle_is_found_out_by_the_broker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key store answers for another key from now on, while the caller has it open."""
    key = stage.executor()
    renews(stage, key)
    other = KeystoreBackend(b"\7" * 32)
    honest = KeystoreBackend.sign_raw
    monkeypatch.setattr(KeystoreBackend, "sign_raw", lambda _, digest: honest(other, digest))

    with pytest.raises(SignerError, match="is not by"):
        renews(stage, key)
    assert last_event(stage)["event"] == "refused"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda raw: (raw[0], raw[1] ^ 1), "is not by", id="another signature"),
        pytest.param(lambda _: (0, 1), "no signature", id="no r"),
        pytest.param(lambda raw: (raw[0], ORDER), "no signature", id="the order itself"),
    ],
)
def test_a_broker_that_lies_is_not_believed(
    stage: Stage, change: Change, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, change)

    with pytest.raises(SignerError, match=said):
        renews(stage)


@pytest.mark.parametrize("answer", [{}, {"signature": "0x"}, {"signature": "0x" + "07" * 64}])
def test_an_answer_of_the_wrong_length_is_refused(
    stage: Stage, answer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = stage.executor()
    monkeypatch.setattr(caller.BrokerCaller, "ask", lambda *_: answer)

    with pytest.raises(SignerError, match="no signature"):
        renews(stage, key)


def test_the_high_twin_is_brought_low(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda raw: (raw[0], ORDER - raw[1]))
    message = renewal(stage)

    made = stage.executor().sign_renewal(stage.deployment.domain, message)

    found = Signature(
        int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), made[64]
    )
    assert found.s <= ORDER // 2
    digest = signing_digest(stage.deployment.domain, message)
    assert recover(digest, found) == stage.deployment.people["executor"].address


@pytest.mark.parametrize("digest", [keccak(b"x"), b"\7" * 31, b"\7" * 33, b""])
def test_a_bare_digest_of_any_length_is_not_even_asked_for(stage: Stage, digest: Digest) -> None:
    signer = open_signer(
        f"broker://{stage.client_file(CONTROLLER)}", stage.deployment.people["executor"].address
    )
    before = stage.events()

    with pytest.raises(SignerError):
        signer.sign(digest)
    assert stage.events() == before


def test_it_answers_no_challenge(stage: Stage) -> None:
    """So `mandate keys prove` says where to ask instead."""
    signer = open_signer(
        f"broker://{stage.client_file(CONTROLLER)}", stage.deployment.people["executor"].address
    )

    with pytest.raises(SignerError, match="no digest that it cannot read") as heard:
        ProofKey(signer).prove("is it still there")
    assert heard.value.next_step


def test_many_threads_may_ask_at_once_and_each_is_judged(stage: Stage) -> None:
    """Good and bad ones among each other: nobody gets another's answer."""
    key, domain = stage.executor(), stage.deployment.domain
    address = stage.deployment.people["executor"].address

    def ask(index: int) -> bool:
        message = renewal(stage, 3600 + index if index % 2 else 40_000 + index)
        try:
            made = key.sign_renewal(domain, message)
        except MandateError:
            return False
        return (
            recover(signing_digest(domain, message), Signature(*numbers(made), made[64])) == address
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(8))) == [bool(index % 2) for index in range(8)]
