"""Plain `pulumi up` on a governed program: refused, done, not done twice, never undone unasked."""

from __future__ import annotations

import json

import pytest

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.models import MandateState, digest, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.receipt import Receipt
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


@pytest.fixture
def previewer() -> Previewer:
    """Every preview of these stacks is made in a cell, where the machine gives one."""
    return Previewer(required=False)


def test_without_a_mandate_nothing_is_changed_and_with_it_everything(governed: Governed) -> None:
    output = governed.up(ok=False)
    assert "refused at step 3: there is no mandate for organization/shop/test" in output
    assert "the program wants 4 operations" in output
    assert "Nobody has proposed a plan for this stack" in output
    assert "next: mandate propose" in output
    assert governed.calls() == []
    assert governed.state("first") is None

    document = governed.plan()
    governed.propose(document)
    output = governed.up(ok=False)
    assert "proposal 1: announced, voting opens in" in output
    assert "next: mandate show 1" in output
    assert governed.calls() == []

    plan = governed.approve(document=governed.plan())
    output = governed.up()
    assert governed.files() == {"first": "hello", "second": "5 letters"}
    result = governed.result()
    assert result["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    store = governed.machine.store
    receipt = Receipt.load(store.get(store.document_of(digest(result["receiptRoot"]))))
    assert receipt.complete
    assert receipt.plan_hash == plan
    assert any(path == ".text" for r in receipt.results for path, _ in r.resolved)
    assert to_hex(receipt.root) == result["receiptRoot"]


def test_after_the_run(governed: Governed) -> None:
    """The same mandate is spent; nothing more can be changed, removed or destroyed without one."""
    empty = governed.pulumi("stack", "export").stdout
    plan = governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    done = governed.calls()

    # Nothing to do needs no mandate.
    assert "no mandate is needed" in governed.up()

    # The same change again: its mandate is spent.
    full = governed.pulumi("stack", "export").stdout
    (governed.folder / "state.json").write_text(empty)
    governed.pulumi("stack", "import", "--file", "state.json")
    (governed.folder / "state.json").unlink()
    output = governed.up(ok=False)
    assert "refused at step 3: the mandate is unconfirmed now" in output
    assert "a mandate runs once" in output
    (governed.folder / "state.json").write_text(full)
    governed.pulumi("stack", "import", "--file", "state.json")
    (governed.folder / "state.json").unlink()

    # A resource removed from the program.
    without = TWO_NOTES.replace('second = Note("second", ', '("second", ')
    governed.program(without)
    assert "refused at step 3" in governed.up(ok=False)

    # The line removed as well: the state still names our delete hook, which nobody registers.
    governed.program(without.replace("pulumi_mandate.govern()", ""))
    assert "mandate:before-delete" in governed.up(ok=False)
    governed.program(TWO_NOTES)

    # A plain destroy, and one that runs the program.
    output = governed.pulumi("destroy", "--yes", "--skip-preview", ok=False)
    assert "delete hooks" in output.stdout + output.stderr
    output = governed.pulumi("destroy", "--yes", "--skip-preview", "--run-program", ok=False)
    assert "refused at step 3" in output.stdout + output.stderr

    assert governed.calls() == done
    assert governed.files() == {"first": "hello", "second": "5 letters"}
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED


def test_a_program_edited_after_the_vote_is_refused_before_the_first_change(
    governed: Governed,
) -> None:
    plan = governed.approve()

    governed.program(TWO_NOTES.replace("hello", "evil!"))
    output = governed.up(ok=False)
    assert "refused at step 6: the program is not the one that was voted on" in output
    governed.program(TWO_NOTES + "\n# only a comment\n")
    assert "refused at step 6" in governed.up(ok=False)
    governed.program(TWO_NOTES + "\nraise RuntimeError('the program is broken')\n")
    output = governed.up(ok=False)
    assert "`pulumi preview` failed" in output
    assert "the program is broken" in output
    governed.program(TWO_NOTES)

    governed.pulumi("config", "set", "extra", "value")
    output = governed.up(ok=False)
    assert "refused at step 7" in output
    assert "config.shop:extra" in output
    governed.pulumi("config", "rm", "extra")
    assert governed.calls() == []
    assert governed.runs() == []

    governed.up()
    assert governed.result()["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED


def test_of_two_mandates_the_one_that_fits_is_spent(governed: Governed) -> None:
    hello = governed.plan()
    governed.program(TWO_NOTES.replace("hello", "other"))
    evil = governed.plan()
    governed.program(TWO_NOTES)
    # Both programs are approved plans of this stack, the other one last.
    same = {part: hello.content[part] for part in ("program", "source")}
    evil = Document.of({**evil.content, **same})
    fitting, other = governed.approve_all([hello, evil])

    output = governed.up()

    assert governed.result()["status"] == "completed"
    assert governed.files()["first"] == "hello"
    assert governed.mandate(fitting).state is MandateState.UNCONFIRMED
    assert governed.mandate(other).state is MandateState.APPROVED
    assert "mandate:" in output


def test_a_preview_needs_nothing_and_says_where_the_mandate_stands(governed: Governed) -> None:
    output = governed.pulumi("preview").stdout
    assert "no proposal for this stack yet" in output

    governed.propose()
    output = governed.pulumi("preview").stdout
    assert "proposal 1: announced" in output

    governed.environment["MANDATE_TRUST"] = "/nonexistent/trust.toml"
    output = governed.pulumi("preview", "--json").stdout
    assert json.loads(output)["changeSummary"]["create"] == 3
