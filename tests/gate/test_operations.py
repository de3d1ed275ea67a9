"""Each operation is an approved one, is used once, and the first refusal ends the run."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import ChainUnreachable, MandateError, Refused
from pulumi_mandate.gate.journal import ALLOWED, LATCHED, REFUSED, Journal
from pulumi_mandate.gate.operations import OperationCheck
from pulumi_mandate.gate.wire import SECRET, SIGNATURE, Options
from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.commitment import commit
from pulumi_mandate.plan.markers import unknown
from tests.gate.cases import KEY, STACK, call, document, operation, urn, values_of


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.jsonl")


@pytest.fixture
def check_for(journal):
    def make(*operations: dict[str, Any], denials=lambda: None, indices=None) -> OperationCheck:
        plan = document(*operations)
        return OperationCheck(plan, journal, denials=denials, inputs_of=values_of, indices=indices)

    return make


def refused(check, given) -> Refused:
    with pytest.raises(Refused) as refusal:
        check(given)
    assert refusal.value.step == 10
    return refusal.value


@pytest.mark.parametrize(
    ("op", "moment"),
    [
        ("create", "create"), ("create-replacement", "create"), ("update", "update"),
        ("delete", "delete"), ("delete-replaced", "delete"), ("abandon", "delete"),
    ],
)  # fmt: skip
def test_an_approved_operation_is_allowed(check_for, journal, op, moment):
    check = check_for(operation("a", op, id="id-a" if moment != "create" else None))

    check(call("a", moment))

    assert [(e.verdict, e.index) for e in journal.entries()] == [(ALLOWED, 0)]


@pytest.mark.parametrize(
    ("op", "moment"),
    [
        ("create", "update"), ("create", "delete"), ("update", "create"), ("update", "delete"),
        ("delete", "create"), ("delete", "update"), ("metadata", "update"), ("read", "create"),
        ("replace", "create"), ("replace", "delete"), ("metadata", "delete"),
        ("import", "update"),
    ],
)  # fmt: skip
def test_another_kind_of_operation_is_not(check_for, op, moment):
    assert "not in the approved plan" in str(
        refused(check_for(operation("a", op)), call("a", moment))
    )


def test_an_operation_on_another_resource_is_refused(check_for, journal):
    refusal = refused(check_for(operation("a")), call("b"))

    assert "two phases" in refusal.diagnostics()
    assert [(e.verdict, e.index, e.error) for e in journal.entries()] == [(REFUSED, -1, "Refused")]


def test_an_operation_is_used_once(check_for):
    check = check_for(operation("a"))
    check(call("a"))

    assert "already done" in str(refused(check, call("a")))


BROKEN = [
    ("type", {"type": "test:index:Other"}),
    ("id", {"id": "other"}),
    ("after.text", {"new_inputs": {"text": "evil"}}),
    ("after.more", {"new_inputs": {"text": "new", "more": 1}}),
    ("after.text", {"new_inputs": {}}),
    ("before.text", {"old_inputs": {"text": "moved"}}),
    ("options.protect", {"new_options": Options("", STACK, True, False)}),
    ("options.retainOnDelete", {"new_options": Options("", STACK, False, True)}),
    ("options.protect", {"old_options": Options("", STACK, True, False)}),
    ("options.parent", {"new_options": Options("", "urn:other", False, False)}),
]


@pytest.mark.parametrize(("field", "changes"), BROKEN)
def test_anything_that_differs_is_named_and_refused(check_for, field, changes):
    refusal = refused(check_for(operation("a", "update")), call("a", "update", **changes))

    assert refusal.field == field
    assert "evil" not in refusal.diagnostics()


@pytest.mark.parametrize("moment", ["create", "update"])
def test_a_change_without_new_inputs_is_refused(check_for, moment):
    """Nothing to compare is not the same as nothing that differs."""
    refusal = refused(check_for(operation("a", moment)), call("a", moment, new_inputs=None))

    assert refusal.field == "after"


@pytest.mark.parametrize("given", ["urn:p::2", "urn:q::1", ""])
def test_a_resource_moved_to_another_provider_is_refused(check_for, given):
    provider = {"urn": "urn:p", "id": "1"}
    check = check_for(operation("a", "update", provider={"before": provider, "after": provider}))
    options = Options(given, STACK, False, False)

    assert refused(check, call("a", "update", new_options=options)).field == "provider"


def test_a_provider_whose_id_was_unknown_is_allowed_with_any_id(check_for):
    provider = {"urn": "urn:p", "id": unknown()}
    check = check_for(operation("a", provider={"before": None, "after": provider}))

    check(call("a", new_options=Options("urn:p::made-now", STACK, False, False)))


def test_the_first_refusal_latches(check_for, journal):
    check = check_for(operation("a"), operation("b"))
    refused(check, call("c"))

    assert "earlier operation" in str(refused(check, call("a")))
    assert check.latched
    assert [e.error for e in journal.entries()] == ["Refused", LATCHED]


def test_the_first_refusal_withdraws_what_no_provider_has_taken(journal):
    told = []
    grants = SimpleNamespace(
        give=lambda *_: told.append("give"), withdraw=lambda: told.append("withdraw")
    )
    plan = document(operation("a"))
    check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of, grants=grants)
    check(call("a"))

    refused(check, call("b"))

    assert told == ["give", "withdraw"]


def test_a_denial_refuses_and_latches(check_for):
    def denied():
        raise Refused(10, "the mandate is stopping now")

    check = check_for(operation("a"), denials=denied)

    assert "stopping" in str(refused(check, call("a")))
    assert "stopping" in check.latched


def test_a_chain_that_cannot_be_asked_refuses_and_is_no_judgement(check_for, journal):
    def away():
        raise ChainUnreachable("the chain does not answer")

    check = check_for(operation("a"), denials=away)

    with pytest.raises(MandateError):
        check(call("a"))
    assert journal.entries()[0].error == "ChainUnreachable"


def test_a_defect_in_the_check_refuses_and_latches(check_for, journal):
    check = check_for(operation("a"))

    with pytest.raises(AttributeError):
        check(dataclasses.replace(call("a"), new_inputs=7))
    assert "itself failed" in check.latched
    refused(check, call("a"))


def test_a_journal_that_cannot_be_written_refuses(check_for, tmp_path):
    check = check_for(operation("a"))
    (tmp_path / "journal.jsonl").mkdir()

    with pytest.raises(OSError, match="directory"):
        check(call("a"))
    assert check.latched


def test_unknowns_become_values_and_the_journal_keeps_their_digests(check_for, journal):
    wanted = {"inputs": {"text": unknown(), "deep": [{"x": unknown()}]}}
    check = check_for(operation("a", after=wanted))

    check(call("a", new_inputs={"text": "known", "deep": [{"x": 7}]}))

    assert journal.entries()[0].resolved == (
        (".deep[0].x", to_hex(keccak(canonical_bytes(7)))),
        (".text", to_hex(keccak(canonical_bytes("known")))),
    )


def test_secrets_are_compared_as_commitments(check_for, journal):
    wanted = {"inputs": {"text": commit(KEY, urn("a"), ["text"], "hidden")}}
    secret = {SIGNATURE: SECRET, "plaintext": '"hidden"'}

    check_for(operation("a", after=wanted))(call("a", new_inputs={"text": secret}))

    for wrong in ({SIGNATURE: SECRET, "plaintext": '"other"'}, "hidden"):
        refusal = refused(
            check_for(operation("a", after=wanted)), call("a", new_inputs={"text": wrong})
        )
        assert "hidden" not in refusal.diagnostics()
    assert "hidden" not in (journal._path).read_text()


def test_two_old_copies_are_told_apart_by_their_ids(check_for, journal):
    copies = [operation("a", "delete-replaced", id=name) for name in ("one", "two")]
    check = check_for(*copies)

    check(call("a", "delete", id="two"))
    check(call("a", "delete", id="one"))

    assert [e.index for e in journal.entries()] == [1, 0]


def test_the_rest_of_a_run_is_journalled_under_the_approved_positions(check_for, journal):
    check_for(operation("b", "update"), indices=[4])(call("b", "update"))

    assert journal.entries()[0].index == 4


def test_parallel_operations_do_not_slip_past_a_refusal(check_for, journal):
    """Sixteen threads, one forbidden operation: nothing is allowed after it."""
    names = [f"r{number}" for number in range(45)]
    check, barrier = check_for(*(operation(name) for name in names)), threading.Barrier(16)

    def work(mine):
        barrier.wait()
        for name in mine:
            with suppress(Refused):
                check(call(name))

    shares = [names[number::15] for number in range(15)] + [["forbidden"]]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verdicts = [entry.verdict for entry in journal.entries()]
    assert len(verdicts) == 46
    assert ALLOWED not in verdicts[verdicts.index(REFUSED) :]


def constrained(value: Any, op: str = "create") -> Any:
    """A plan with an unknown text that may only become `value`."""
    waiting = operation("a", op, after={"inputs": {"text": unknown()}})
    plan = document(waiting)
    entry = plan.content["unknowns"][0] | {"constraint": value}
    return document(waiting, unknowns=[entry], tier=plan.content["tier"])


@pytest.mark.parametrize("op", ["create", "update", "create-replacement"])
def test_an_unknown_becomes_what_its_constraint_allows(journal, op):
    moment = "update" if op == "update" else "create"
    plan = constrained({"oneOf": ["new", "other"]}, op)
    check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of)

    given = call("a", moment)
    check(dataclasses.replace(given, id="") if op == "create-replacement" else given)

    assert journal.entries()[0].verdict == ALLOWED


@pytest.mark.parametrize(
    "value",
    ["0.0.0.0/0", ["new", "0.0.0.0/0"], {}, None, 1, [], {SIGNATURE: SECRET, "plaintext": '"new"'}],
)
def test_an_unknown_that_breaks_its_constraint_is_refused_and_latches(journal, value):
    plan = constrained({"pattern": "new"})
    check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of)

    refusal = refused(check, dataclasses.replace(call("a"), new_inputs={"text": value}))

    assert refusal.field == "after.inputs.text"
    assert "0/0" not in refusal.diagnostics()
    assert check.latched


def test_a_sensitive_name_inside_what_was_unknown_as_a_whole_is_refused(journal):
    plan = constrained(None)
    plan = document(
        operation("a", "create", after={"inputs": {"text": unknown()}}),
        unknowns=plan.content["unknowns"],
        sensitive=["inputs.*cidr*"],
        tier=plan.content["tier"],
    )
    check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of)
    given = {"text": {"rules": [{"cidr": "0.0.0.0/0"}]}}

    refusal = refused(check, dataclasses.replace(call("a"), new_inputs=given))

    assert refusal.field == "after.inputs.text.rules.0.cidr"
    assert "0/0" not in refusal.diagnostics()
    assert check.latched


def test_a_secret_breaks_every_constraint_and_is_told_nowhere(journal):
    plan = constrained({"pattern": ".*"})
    check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of)
    given = {"text": {SIGNATURE: SECRET, "plaintext": '"hunter2"'}}

    refusal = refused(check, dataclasses.replace(call("a"), new_inputs=given))

    assert refusal.field == "after.inputs.text"
    told = f"{refusal} {refusal.diagnostics()} {journal.entries()}"
    assert "hunter2" not in told
    assert "commitment" not in told
