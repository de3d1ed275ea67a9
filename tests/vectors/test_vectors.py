"""The committed vectors are what we compute, and what an independent library computes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from pulumi_mandate.models import _typed_data

HERE = Path(__file__).parent


def _load(name: str) -> list[dict[str, Any]]:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vector_generator", HERE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "function"), [("plan_hash", "plans"), ("messages", "messages"), ("merkle", "trees")]
)
def test_committed_vectors_are_what_we_compute(
    generator: ModuleType, name: str, function: str
) -> None:
    assert getattr(generator, function)() == _load(name)


@pytest.mark.parametrize("vector", _load("plan_hash"), ids=lambda vector: vector["name"])
def test_plan_hashes_agree_with_eth_account(vector: dict[str, Any]) -> None:
    found = _second_opinion("Plan", _typed_data.PLAN_TYPE, vector["domain"], vector["plan"])

    assert found == vector["planHash"]


@pytest.mark.parametrize("vector", _load("messages"), ids=lambda vector: vector["name"])
def test_messages_agree_with_eth_account(vector: dict[str, Any]) -> None:
    types = {
        "ExecutionOrder": _typed_data.ORDER_TYPE,
        "Renewal": _typed_data.RENEWAL_TYPE,
        "Outcome": _typed_data.OUTCOME_TYPE,
    }
    found = _second_opinion(
        vector["type"], types[vector["type"]], vector["domain"], vector["message"]
    )

    assert found == vector["digest"]


def _second_opinion(
    name: str, type_string: str, domain: dict[str, Any], message: dict[str, Any]
) -> str:
    inside = type_string[type_string.index("(") + 1 : -1]
    members = [dict(zip(("type", "name"), m.split(" "), strict=True)) for m in inside.split(",")]
    encoded = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                name: members,
            },
            "primaryType": name,
            "domain": {
                "name": "Mandate",
                "version": "1",
                "chainId": domain["chainId"],
                "verifyingContract": domain["registry"],
            },
            "message": message,
        }
    )
    return "0x" + keccak(b"\x19" + encoded.version + encoded.header + encoded.body).hex()
