"""One change has one hash for everybody, and two changes have two: on the real engine."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.errors import EmptyPlan, EngineError, IncompletePlan
from pulumi_mandate.models import Kind
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.render import render_text
from tests.engine.checkouts import Checkout

pytestmark = pytest.mark.engine

CheckoutOf = Callable[[str], Checkout]

PROGRAM = """
group = pulumi.ComponentResource("fixture:index:Group", "group")
child = pulumi.ResourceOptions(parent=group)
a = Thing("a", opts=child, label="alpha", size=1.5, tags={"x": ["1", None, {"y": True}]})
for index in range(6):
    Thing(f"n{index}", label=f"n{index}", opts=pulumi.ResourceOptions(depends_on=[a]))
b = Thing("b", label="beta", ref=a.arn, password=config.require_secret("password"),
          nested={"list": ["p", config.require_secret("password")]})
Thing("c", label="gamma", kind="one", all=[a.id, b.id], sources=[a.arn, b.arn])
pulumi.export("arn", a.arn)
pulumi.export("password", config.require_secret("password"))
"""
SECOND = PROGRAM.replace('kind="one"', 'kind="two"').replace("size=1.5", "size=2")


@pytest.fixture
def checkout(tmp_path: Path, pulumi_env: dict[str, str]) -> CheckoutOf:
    def make(name: str) -> Checkout:
        home = tmp_path / f"home-{name}"
        backend = tmp_path / f"backend-{name}"
        home.mkdir()
        backend.mkdir()
        env = pulumi_env | {
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": f"the passphrase of {name}",
            "HOME": str(home),
            "USER": name,
            "TZ": "Asia/Tokyo" if name == "ben" else "UTC",
            "LC_ALL": "C.UTF-8" if name == "ben" else "POSIX",
            "LANG": "tr_TR.UTF-8" if name == "ben" else "C",
            "PYTHONHASHSEED": "1" if name == "ben" else "2",
        }
        folder = tmp_path / name / ("a longer path" if name == "ben" else "p")
        return Checkout(folder, env)

    return make


def test_two_checkouts_of_one_change_agree(checkout: CheckoutOf) -> None:
    ana, ben = checkout("ana"), checkout("ben")
    for person in (ana, ben):
        person.write(PROGRAM).init(password="hunter2")

    first = ana.document(["--parallel=1"])
    second = ben.document(["--parallel=64"])

    assert first.data == second.data
    assert b"hunter2" not in first.data
    assert first.kinds == 1 << Kind.CREATE


def test_two_checkouts_of_a_second_change_agree_under_other_keys_of_the_state(
    checkout: CheckoutOf,
) -> None:
    ana, ben = checkout("ana"), checkout("ben")
    ana.write(PROGRAM).init(password="hunter2").up()
    ben.write(SECOND).init(password="hunter2").adopt(ana.state())
    ana.write(SECOND)

    first, second = ana.document(), ben.document()

    assert first.data == second.data
    ops = {
        (operation["op"], operation["urn"].rpartition("::")[2]) for operation in first.operations
    }
    assert {("update", "a"), ("create-replacement", "c"), ("delete-replaced", "c")} <= ops


def test_repeats_agree_whatever_the_order_of_dependencies_and_steps(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    raw = ana.preview()
    expected = ana.document_of(raw).data
    for number in range(20):
        shuffled = copy.deepcopy(raw)
        order = random.Random(number)  # noqa: S311  # an order, no secret
        _shuffle(shuffled.plan_file, order)
        _shuffle(shuffled.steps, order)

        assert ana.document_of(shuffled).data == expected, number
    for parallel in ("--parallel=1", "--parallel=64", "--parallel=7"):
        assert ana.document([parallel]).data == expected, parallel


def _shuffle(value: Any, order: random.Random) -> None:
    """What the engine puts in another order every time: keys, resources' steps, dependencies.

    Not the steps of one resource in the plan file (texts): those say what comes first.
    """
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, item in items:
        if isinstance(item, dict | list):
            _shuffle(item, order)
        if key == "propertyDependencies":
            for urns in item.values():
                order.shuffle(urns or [])
        elif key == "dependencies" or (key == "steps" and isinstance(item[0], dict)):
            order.shuffle(item)
    if isinstance(value, dict):
        order.shuffle(items)
        value.clear()
        value.update(items)


MUTATIONS = {
    "a character": PROGRAM.replace("alpha", "alphb"),
    "a type": PROGRAM.replace('"y": True', '"y": 1'),
    "a number": PROGRAM.replace("size=1.5", "size=1.25"),
    "protect": PROGRAM.replace("parent=group", "parent=group, protect=True"),
    "retain": PROGRAM.replace("parent=group", "parent=group, retain_on_delete=True"),
    "ignore": PROGRAM.replace("parent=group", "parent=group, ignore_changes=['tags']"),
    "an output": PROGRAM.replace('"arn", a.arn', '"arm", a.arn'),
}


def test_another_change_has_another_effect_root(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    approved = ana.document()
    roots = {approved.effect_root}
    for name, program in MUTATIONS.items():
        found = ana.write(program).document()

        assert found.effect_root not in roots, name
        assert found.fields().program != approved.fields().program, name
        roots.add(found.effect_root)

    ana.write(PROGRAM).pulumi("config", "set", "--secret", "password", "hunter3")
    found = ana.document()

    assert found.effect_root not in roots
    assert found.fields().program == approved.fields().program


def test_the_stacks_own_file_counts_by_its_values_and_other_stacks_files_as_files(
    checkout: CheckoutOf,
) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    approved = ana.document().content
    own = ana.folder / "Pulumi.dev.yaml"
    own.write_text(own.read_text() + "# a comment\n")
    commented = ana.document().content
    ana.pulumi("config", "set", "unread", "1")
    configured = ana.document().content
    (ana.folder / "Pulumi.other.yaml").write_text("config: {}\n")
    neighbour = ana.document().content

    assert commented == approved
    assert configured["program"] == approved["program"]
    assert configured["config"] == approved["config"] | {"fixture:unread": "1"}
    assert neighbour["program"] != configured["program"]


def test_two_unknowns_of_one_resource_differ_by_the_program(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    approved = ana.document()
    ana.write(PROGRAM.replace("ref=a.arn", "ref=a.id"))

    found = ana.document()

    # Both are "unknown, from a" to the engine: only the program's digest tells them apart.
    assert approved.effect_root == found.effect_root
    assert approved.fields().program != found.fields().program


def test_a_program_that_changes_nothing_is_an_empty_plan(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    ana.up()

    with pytest.raises(EmptyPlan):
        ana.document()


def test_same_steps_with_real_change_are_operations(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write(PROGRAM).init(password="hunter2")
    ana.up()
    ana.write(
        PROGRAM.replace("parent=group", "parent=group, protect=True")
        .replace('"arn", a.arn', '"arn2", a.arn')
        .replace('label="beta"', 'label="beta", opts=pulumi.ResourceOptions(ignore_changes=["x"])')
    )

    document = ana.document()

    assert _ops(document) == {
        ("metadata", "a"),
        ("metadata", "b"),
        ("metadata", "fixture-dev"),
    }
    assert "options.protect: true" in render_text(document)


def test_what_leaves_the_program_is_deleted_or_abandoned(checkout: CheckoutOf) -> None:
    retained = 'Thing("kept", label="kept", opts=pulumi.ResourceOptions(retain_on_delete=True))\n'
    ana = checkout("ana").write('Thing("gone", label="gone")\n' + retained).init()
    ana.up()
    ana.write("")

    document = ana.document()

    assert {("delete", "gone"), ("abandon", "kept")} <= _ops(document)
    assert {entry["op"] for entry in document.content["rollback"]["irreversible"]} >= {
        "delete",
        "abandon",
    }


def test_a_rename_by_alias_is_a_metadata_operation(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write('Thing("old", label="x")\n').init()
    ana.up()
    aliased = 'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])'
    ana.write(f'Thing("new", label="x", {aliased})\n')

    assert _ops(ana.document()) == {("metadata", "new")}


def test_a_provider_defined_in_main_is_hashed_by_its_code(checkout: CheckoutOf) -> None:
    main = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Local(ResourceProvider):
    def create(self, props):
        return CreateResult("id", {**props, "made": "one"})

class Local2(Resource):
    def __init__(self, name):
        super().__init__(Local(), name, {"made": None})

Local2("x")
"""
    ana, ben = checkout("ana").write(main).init(), checkout("ben").write(main).init()
    approved, same = ana.document(), ben.document()
    ana.write(main.replace('"one"', '"two"'))

    assert approved.effect_root == same.effect_root
    assert approved.effect_root != ana.document().effect_root


def test_a_program_that_raises_is_the_engines_error(checkout: CheckoutOf) -> None:
    ana = checkout("ana").write('raise RuntimeError("no such region")\n').init()

    with pytest.raises(EngineError, match="no such region"):
        ana.document()


def test_a_typed_sentinel_in_deployed_inputs_is_refused(checkout: CheckoutOf) -> None:
    text = "x04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    ana = checkout("ana").write(f'Thing("x", label="{text}")\n').init()

    with pytest.raises(IncompletePlan, match="sentinel"):
        ana.document()


def _ops(document: Document) -> set[tuple[str, str]]:
    return {
        (operation["op"], operation["urn"].rpartition("::")[2]) for operation in document.operations
    }
