"""What a plan takes from outside its own resources: other stacks, configuration, state."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pulumi_mandate.errors import EmptyPlan, EngineError, IncompletePlan
from pulumi_mandate.models import Kind
from tests.engine.checkouts import Checkout
from tests.engine.echo import found, only, ops, write_echo

pytestmark = pytest.mark.engine

REFERENCE = """
other = pulumi.StackReference("organization/fixture/dev")
Thing("b", {"label": other.get_output("text"), "secret": other.get_output("secret")})
"""
UNKNOWN = {"mandate:v1": "unknown", "secret": False}


def _exports(text: str) -> str:
    secret = 'pulumi.export("secret", pulumi.Output.secret("hunter2"))'
    return f'pulumi.export("text", "{text}")\n{secret}\n'


def test_another_stack_is_read_and_counts_by_what_is_taken_from_it(
    echo_checkout: Callable[[], Checkout],
) -> None:
    dev = write_echo(echo_checkout(), _exports("one")).init()
    dev.up()
    here = write_echo(Checkout(dev.folder, dev.env, stack="ref"), REFERENCE).init()
    first = here.document()
    here.up()
    with pytest.raises(EmptyPlan):
        here.document()
    write_echo(dev, _exports("two")).up()
    second = write_echo(here, REFERENCE).document()

    read = next(entry for entry in first.operations if entry["kind"] == Kind.READ)
    assert read["after"] == {
        "inputs": {"name": "organization/fixture/dev"},
        "id": "organization/fixture/dev",
    }
    assert only(first, "b")["after"]["inputs"]["label"] == "one"
    assert only(first, "b")["after"]["inputs"]["secret"]["mandate:v1"] == "secret"
    assert ops(second) == {"b": ["update"]}
    assert only(second, "b")["after"]["inputs"]["label"] == "two"
    assert b"hunter2" not in first.data + second.data


def test_configuration_of_a_default_provider_is_an_operation(
    echo_checkout: Callable[[], Checkout],
) -> None:
    checkout = write_echo(echo_checkout(), 'Thing("a", {"label": "a"})').init()
    checkout.up()
    checkout.pulumi("config", "set", "echo:region", "two")

    (update,) = checkout.document().operations

    assert update["urn"].endswith("::pulumi:providers:echo::default")
    assert (update["before"]["inputs"], update["after"]["inputs"]) == ({}, {"region": "two"})


def test_another_physical_id_under_the_same_name_is_another_plan(
    echo_checkout: Callable[[], Checkout],
) -> None:
    checkout = write_echo(echo_checkout(), 'Thing("a", {"label": "a"})').init()
    checkout.up()
    state = json.loads(checkout.state())
    write_echo(checkout, 'Thing("a", {"label": "b"})')
    before = checkout.document()
    for resource in state["deployment"]["resources"]:
        if resource["urn"].endswith("::a"):
            resource["id"] = "elsewhere"
    checkout.pulumi("stack", "import", stdin=json.dumps(state))

    after = checkout.document()

    assert (only(before, "a")["id"], only(after, "a")["id"]) == ("id-a", "elsewhere")
    assert before.effect_root != after.effect_root


def test_two_packages_and_a_resource_by_its_urn(echo_checkout: Callable[[], Checkout]) -> None:
    checkout = write_echo(
        echo_checkout(),
        """
a = Thing("a", {"label": "a"})
a.urn.apply(lambda urn: Thing("z", None, Opts(urn=urn)))
Thing("o", {"label": "o"}, token="other:index:Thing")
mapped = pulumi.ProviderResource("echo", "mapped", {}, Opts(env_var_mappings={"MINE": "THEIRS"}))
Thing("c", {"label": "c"}, Opts(provider=mapped))
""",
    ).init()
    document = checkout.document()

    assert ops(document) == {
        "a": ["create"],
        "c": ["create"],
        "fixture-dev": ["create"],
        "mapped": ["create"],
        "o": ["create"],
    }
    assert only(document, "o")["provider"]["after"]["urn"].endswith("providers:other::default")
    assert only(document, "mapped")["after"]["inputs"]["__internal"] == {
        "envVarMappings": {"MINE": "THEIRS"}
    }
    assert found(document, "z") == []


REFUSED = {
    "a number that is none": ('Thing("a", {"n": float("nan")})', IncompletePlan, "special kind"),
    "the engine's own sentinel, typed": (
        'Thing("a", {"v": {"4dabf18193072939515e22adb298388d": "x"}})',
        EngineError,
        "unrecognized signature",
    ),
    "a state migration, which this engine does not know": (
        'Thing("a", {}, Opts(state_migrations=[lambda args: None]))',
        EngineError,
        "state migrations",
    ),
    "a secret that a read is told": (
        'Thing("a", {"v": pulumi.Output.secret("s")}, Opts(id="r"))',
        IncompletePlan,
        "holds a secret",
    ),
    "a file that is not there": (
        'Thing("a", {"v": pulumi.FileAsset("nowhere")})',
        EngineError,
        "nowhere",
    ),
}


@pytest.fixture(scope="module")
def empty(echo_checkout: Callable[[], Checkout]) -> Checkout:
    return write_echo(echo_checkout(), "").init()


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_document_can_say_is_refused(empty: Checkout, name: str) -> None:
    program, error, reason = REFUSED[name]

    with pytest.raises(error, match=reason):
        write_echo(empty, program).document()
