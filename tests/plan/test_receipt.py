"""A receipt binds every operation and reads back only as itself."""

import dataclasses

import pytest

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import keccak
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.receipt import DONE, NOT_DONE, UNDONE, OperationResult, Receipt


def result(index=0, outcome=DONE, resolved=()):
    return OperationResult(
        index, f"urn:{index}", "create", keccak(bytes([index])), resolved, outcome
    )


def receipt(*results):
    return Receipt(keccak(b"plan"), keccak(b"run"), results, keccak(b"state"))


def test_it_reads_back_as_itself():
    made = receipt(result(0, resolved=((".a[0]", keccak(b"v")),)), result(1, NOT_DONE))

    assert Receipt.load(made.data) == made


def test_it_is_complete_when_everything_was_done():
    assert receipt(result(0), result(1)).complete
    assert not receipt(result(0), result(1, NOT_DONE)).complete
    assert not receipt(result(0), result(1, UNDONE)).complete
    assert Receipt.load(receipt(result(0, UNDONE)).data) == receipt(result(0, UNDONE))
    assert not receipt().complete


@pytest.mark.parametrize(
    "changed",
    [
        result(1), result(0, NOT_DONE), result(0, resolved=((".a", keccak(b"v")),)),
        dataclasses.replace(result(0), leaf=keccak(b"other")),
        dataclasses.replace(result(0), op="delete"),
    ],
)  # fmt: skip
def test_every_field_reaches_the_root(changed):
    assert receipt(changed).root != receipt(result(0)).root


def test_each_entry_is_proved_by_the_tree():
    made = receipt(*(result(i) for i in range(5)))
    leaf = keccak(canonical_bytes(made.results[3].as_json()))

    assert merkle.verify(leaf, merkle.proof(made.leaves, 4), made.root)


@pytest.mark.parametrize("name", ["plan_hash", "run_id", "post_state"])
def test_the_same_results_of_another_run_have_another_root(name):
    """The store finds a receipt by its root, so a root must not fit two receipts."""
    made = receipt(result(0))

    assert dataclasses.replace(made, **{name: keccak(b"other")}).root != made.root


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c | {"schema": "mandate/receipt/v2"},
        lambda c: c | {"extra": 1},
        lambda c: {k: v for k, v in c.items() if k != "run"},
        lambda c: c | {"plan": "0x00"},
        lambda c: c | {"results": [c["results"][0] | {"outcome": "perhaps"}]},
        lambda c: c | {"results": [c["results"][0] | {"extra": 1}]},
        lambda c: c | {"results": 7},
        lambda c: [c],
    ],
    ids=["schema", "extra", "missing", "short", "outcome", "entry", "number", "list"],
)
def test_anything_else_is_refused(edit):
    content = parse(receipt(result(0)).data)

    with pytest.raises(InvalidDocument):
        Receipt.load(canonical_bytes(edit(content)))


def test_padding_is_refused():
    with pytest.raises(InvalidDocument):
        Receipt.load(receipt(result(0)).data + b" ")
