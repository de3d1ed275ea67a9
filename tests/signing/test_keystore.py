"""The keystore: known answers, and files it must not open."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account
from eth_keyfile import create_keyfile_json

from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import Digest, Domain, ExecutionOrder, digest, keccak
from pulumi_mandate.signing import (
    AccountKey,
    ExecutorKey,
    create_keystore,
    enrol,
    open_signer,
    recover,
)

# the example of eth_account's and web3.js's documentation, signed by several implementations
KEY = bytes.fromhex("b25c7db31feed9122727bf0939dc769a96564b2de4c4726d035b36ecf1e5b364")
ADDRESS = "0x5ce9454909639D2D17A3F753ce7d93fa0b9aB12E"
MESSAGE_HASH = digest("0x1476abb745d423bf09273f1afd887d951181d25adc66c4834a70491911b7f750")
SIGNATURE = bytes.fromhex(
    "e6ca9bba58c88611fad66a6ce8f996908195593807c4b38bd528d2cff09d4eb3"
    "3e5bfbbf4d3e39b1a2fd816a7680c19ebebaf3a141b239934ad43cb33fcec8ce"
    "1c"
)
TRANSACTION = {
    "chainId": 1,
    "nonce": 3,
    "gas": 100_000,
    "maxFeePerGas": 20,
    "maxPriorityFeePerGas": 2,
    "value": 0,
    "data": "0xdeadbeef",
    "to": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
}


def test_known_answer(keystore_of: Callable[[bytes], str]) -> None:
    signer = open_signer(keystore_of(KEY), ADDRESS)

    assert signer.sign(MESSAGE_HASH).to_bytes() == SIGNATURE
    assert recover(MESSAGE_HASH, SIGNATURE) == ADDRESS


# the scrypt example of the web3 secret storage definition
STORED = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 262144,
            "p": 8,
            "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
STORED_KEY = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def test_known_keystore(tmp_path: Path, passphrase_file: Path) -> None:
    file = tmp_path / "stored.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(STORED))
    passphrase_file.write_text("testpassword")

    _, address = enrol(f"keystore://{file}?passphrase-file={passphrase_file}")

    assert address == Account.from_key(STORED_KEY).address


@pytest.mark.parametrize("spelling", ["crypto", "Crypto"])
def test_what_eth_keyfile_writes_is_read(
    tmp_path: Path, passphrase_file: Path, spelling: str
) -> None:
    for number in range(20):
        key = keccak(bytes([number]))
        content = create_keyfile_json(key, b"correct horse", kdf="scrypt", iterations=4)
        content[spelling] = content.pop("crypto")
        file = tmp_path / f"{number}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(content))

        _, address = enrol(f"keystore://{file}?passphrase-file={passphrase_file}")

        assert address == Account.from_key(key).address


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("mac", "00" * 32),
        ("mac", ""),
        ("ciphertext", "00" * 32),
        ("ciphertext", "not hex"),
        ("cipher", "aes-128-cbc"),
        ("cipherparams", {"iv": "00"}),
        ("cipherparams", {}),
    ],
    ids=str,
)
def test_a_damaged_keystore_is_refused(keystore_of, tmp_path: Path, part: str, value) -> None:
    uri = keystore_of(KEY)
    file = next(tmp_path.glob("*.json"))
    content = json.loads(file.read_text())
    content["crypto"][part] = value
    file.write_text(json.dumps(content))

    with pytest.raises(SignerError, match="cannot be decrypted"):
        open_signer(uri, ADDRESS)


@pytest.mark.parametrize(
    "params",
    [{"dklen": 31}, {"dklen": 0}, {"n": 3}, {"n": 2, "r": 1 << 22, "p": 16}, {"salt": "zz"}],
    ids=str,
)
def test_a_derivation_that_cannot_be_is_refused(keystore_of, tmp_path: Path, params: dict) -> None:
    uri = keystore_of(KEY)
    file = next(tmp_path.glob("*.json"))
    content = json.loads(file.read_text())
    content["crypto"]["kdfparams"] |= params
    file.write_text(json.dumps(content))

    with pytest.raises(SignerError, match="cannot be decrypted"):
        open_signer(uri, ADDRESS)


def test_known_order(keystore_of: Callable[[bytes], str], domain: Domain) -> None:
    order = ExecutionOrder(keccak(b"plan"), keccak(b"run"), ADDRESS, 1000, 1, 900)
    signature = ExecutorKey(open_signer(keystore_of(KEY), ADDRESS), development=True).sign_order(
        domain, order
    )

    types = {
        "ExecutionOrder": [
            {"name": "planHash", "type": "bytes32"},
            {"name": "runId", "type": "bytes32"},
            {"name": "runner", "type": "address"},
            {"name": "leaseUntil", "type": "uint64"},
            {"name": "keyEpoch", "type": "uint64"},
            {"name": "deadline", "type": "uint64"},
        ]
    }
    message = {
        "planHash": order.plan_hash,
        "runId": order.run_id,
        "runner": order.runner,
        "leaseUntil": 1000,
        "keyEpoch": 1,
        "deadline": 900,
    }
    separator = {
        "name": "Mandate",
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.registry,
    }
    assert signature == bytes(Account.sign_typed_data(KEY, separator, types, message).signature)


ACCESS = {"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"to": None},
        {"data": b"\x01" * 500, "value": 10**18},
        {"data": "0x", "nonce": 0, "maxPriorityFeePerGas": 0},
        {"data": b"\x7f", "nonce": 0x7F, "gas": 0x80},
        {"data": b"\x80", "value": 2**256 - 1},
        {"data": bytearray(b"\x02" * 55)},
        {"data": b"\x02" * 56, "chainId": 2**64},
        {"data": b"\x02" * 70_000},
        {"accessList": []},
        {
            "accessList": [
                ACCESS | {"storageKeys": []},
                ACCESS | {"storageKeys": ["0x" + "ab" * 32]},
            ]
        },
    ],
    ids=range(11),
)
def test_known_transaction(keystore_of: Callable[[bytes], str], change: dict) -> None:
    transaction = {k: v for k, v in (TRANSACTION | change).items() if v is not None}

    raw = AccountKey(open_signer(keystore_of(KEY), ADDRESS)).sign_transaction(transaction)

    expected = Account.sign_transaction(transaction | {"type": 2}, KEY).raw_transaction
    assert raw == bytes(expected)


def test_a_new_keystore_is_private_and_opens(tmp_path: Path, passphrase_file: Path) -> None:
    file = tmp_path / "new.json"

    address = create_keystore(file, "correct horse", scrypt_n=2)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    uri = f"keystore://{file}?passphrase-file={passphrase_file}"
    assert enrol(uri) == (uri, address)


def test_the_default_cost_is_geths(tmp_path: Path) -> None:
    create_keystore(tmp_path / "k.json", "x")

    assert json.loads((tmp_path / "k.json").read_text())["crypto"]["kdfparams"]["n"] == 1 << 18


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    file.write_text("precious")

    with pytest.raises(SignerError, match="exists"):
        create_keystore(file, "x", scrypt_n=2)
    assert file.read_text() == "precious"


def test_a_keystore_needs_a_passphrase(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a passphrase"):
        create_keystore(tmp_path / "k.json", "", scrypt_n=2)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o666])
@pytest.mark.parametrize("which", ["keystore", "passphrase"])
def test_a_file_open_to_others_is_refused(
    keystore_of: Callable[[bytes], str],
    passphrase_file: Path,
    tmp_path: Path,
    mode: int,
    which: str,
) -> None:
    uri = keystore_of(KEY)
    file = passphrase_file if which == "passphrase" else next(tmp_path.glob("*.json"))
    file.chmod(mode)

    with pytest.raises(SignerError, match="open to others"):
        open_signer(uri, ADDRESS)


def test_a_link_is_not_followed(keystore_of, passphrase_file: Path, tmp_path: Path) -> None:
    uri = keystore_of(KEY)
    passphrase_file.rename(tmp_path / "real")
    passphrase_file.symlink_to(tmp_path / "real")

    with pytest.raises(SignerError, match="cannot be opened"):
        open_signer(uri, ADDRESS)


def test_a_pipe_does_not_hang(keystore_of, passphrase_file: Path) -> None:
    uri = keystore_of(KEY)
    passphrase_file.unlink()
    os.mkfifo(passphrase_file, 0o600)

    with pytest.raises(SignerError, match="not a regular file"):
        open_signer(uri, ADDRESS)


@pytest.mark.parametrize("which", ["keystore", "passphrase"])
def test_a_folder_in_the_place_of_a_file_is_refused(
    keystore_of: Callable[[bytes], str], passphrase_file: Path, tmp_path: Path, which: str
) -> None:
    uri = keystore_of(KEY)
    file = passphrase_file if which == "passphrase" else next(tmp_path.glob("*.json"))
    file.unlink()
    file.mkdir(mode=0o700)

    with pytest.raises(SignerError, match="not a regular file"):
        open_signer(uri, ADDRESS)


@pytest.mark.parametrize("text", ["wrong horse", "", "\n", "correct horse "])
def test_another_passphrase_is_refused_and_not_repeated(keystore_of, passphrase_file, text) -> None:
    uri = keystore_of(KEY)
    passphrase_file.write_text(text)

    with pytest.raises(SignerError) as caught:
        open_signer(uri, ADDRESS)
    assert text.strip() == "" or text.strip() not in caught.value.diagnostics()


def test_a_passphrase_from_a_variable(keystore_of, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = keystore_of(KEY).split("?", maxsplit=1)[0] + "?passphrase-env=MY_PASSPHRASE"
    with pytest.raises(SignerError, match="empty"):
        open_signer(uri, ADDRESS)
    monkeypatch.setenv("MY_PASSPHRASE", "correct horse")

    assert open_signer(uri, ADDRESS).address == ADDRESS


@pytest.mark.parametrize(
    "change",
    [
        {"version": 4},
        {"version": "3"},
        {"address": "00" * 20},
        {"crypto": None},
        {"crypto": {"kdf": "pbkdf2", "kdfparams": {"n": 2, "r": 8, "p": 1}}},
        {"crypto": {"kdf": "scrypt", "kdfparams": {"n": 1 << 30, "r": 8, "p": 1}}},
        {"crypto": {"kdf": "scrypt", "kdfparams": {"n": 2, "r": 8, "p": 10**9}}},
        {"crypto": {"kdf": "scrypt", "kdfparams": {"n": "many", "r": 8, "p": 1}}},
    ],
    ids=str,
)
def test_a_strange_keystore_is_refused(keystore_of, tmp_path: Path, change: dict) -> None:
    uri = keystore_of(KEY)
    file = next(tmp_path.glob("*.json"))
    file.write_text(json.dumps(json.loads(file.read_text()) | change))

    with pytest.raises(SignerError):
        open_signer(uri, ADDRESS)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"null", b"\xff", b"[" * 60_000, b"x" * 70_000],
    ids=["empty", "list", "cut", "null", "binary", "deep", "large"],
)
def test_a_file_that_is_no_keystore_is_refused(keystore_of, tmp_path: Path, data: bytes) -> None:
    uri = keystore_of(KEY)
    next(tmp_path.glob("*.json")).write_bytes(data)

    with pytest.raises(SignerError):
        open_signer(uri, ADDRESS)


def test_the_executor_signs_nothing_but_its_three_messages(keystore_of, domain: Domain) -> None:
    key = ExecutorKey(open_signer(keystore_of(KEY), ADDRESS), development=True)
    order = ExecutionOrder(keccak(b"plan"), keccak(b"run"), ADDRESS, 1000, 1, 900)

    public = {name for name in dir(key) if not name.startswith("_")}
    assert public == {"address", "sign_order", "sign_renewal", "sign_outcome"}
    for wrong in (TRANSACTION, MESSAGE_HASH, "text", None, object()):
        with pytest.raises(SignerError, match="expected a ExecutionOrder"):
            key.sign_order(domain, wrong)
    with pytest.raises(SignerError, match="expected a Renewal"):
        key.sign_renewal(domain, order)
    with pytest.raises(SignerError, match="expected a Domain"):
        key.sign_order(None, order)
    with pytest.raises(SignerError, match="cannot be encoded"):
        key.sign_order(domain, ExecutionOrder(Digest(b"short"), keccak(b"r"), ADDRESS, 1, 1, 1))
    with pytest.raises(SignerError, match="cannot be encoded"):
        key.sign_order(domain, ExecutionOrder(keccak(b"p"), keccak(b"r"), ADDRESS, 1 << 64, 1, 1))


def test_an_account_signs_nothing_but_transactions_and_is_not_the_executor(keystore_of) -> None:
    signer = open_signer(keystore_of(KEY), ADDRESS)

    public = {name for name in dir(AccountKey(signer)) if not name.startswith("_")}
    assert public == {"address", "sign_transaction"}
    with pytest.raises(SignerError, match="executor's key"):
        AccountKey(signer, executor=ADDRESS)
    with pytest.raises(SignerError, match="executor's key"):
        AccountKey(signer, executor=ADDRESS.lower())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chainId": None}, "lacks chainId"),
        ({"nonce": None}, "lacks nonce"),
        ({"chainId": 0}, "names no chain"),
        ({"chainId": "1"}, "chainId is not a whole number"),
        ({"nonce": True}, "nonce is not a whole number"),
        ({"gas": -1}, "gas is not a whole number"),
        ({"value": 1.0}, "value is not a whole number"),
        ({"gasPrice": 1}, "not signed: gasPrice"),
        ({"type": 0}, "type-2"),
        ({"type": 1}, "type-2"),
        ({"blobVersionedHashes": []}, "not signed: blobVersionedHashes"),
        ({"from": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}, "the key is"),
        ({"to": "0x12"}, "cannot be encoded"),
        ({"to": 12}, "cannot be encoded"),
        ({"to": ""}, "cannot be encoded"),
        ({"value": 2**256}, "cannot be encoded"),
        ({"data": "deadbeef"}, "cannot be encoded"),
        ({"data": "0xabc"}, "cannot be encoded"),
        ({"accessList": [ACCESS]}, "cannot be encoded"),
        ({"accessList": [ACCESS | {"storageKeys": ["0x12"]}]}, "cannot be encoded"),
        ({"data": 5.5}, "cannot be encoded"),
    ],
)
def test_a_strange_transaction_is_refused(keystore_of, change: dict, words: str) -> None:
    transaction = {k: v for k, v in (TRANSACTION | change).items() if v is not None}

    with pytest.raises(SignerError, match=words):
        AccountKey(open_signer(keystore_of(KEY), ADDRESS)).sign_transaction(transaction)
