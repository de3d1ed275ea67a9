"""Every resource option: a change of it alone is an operation, in the very words of the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_mandate.plan.document import Document
from tests.engine.checkouts import Checkout
from tests.engine.echo import found, only, ops, write_echo

pytestmark = pytest.mark.engine

COMMON = """
base = Thing("base", {"label": "b"})
other = pulumi.ProviderResource("echo", "other", {"region": "one"})
group = Group("group")
hook = pulumi.ResourceHook("hook", lambda args: None)
"""
OPTIONS = {
    "protect": "protect=True",
    "retain": "retain_on_delete=True",
    "ignore": 'ignore_changes=["list", "label"]',
    "secret-outputs": 'additional_secret_outputs=["arn"]',
    "replace-on": 'replace_on_changes=["list[0]"]',
    "trigger": 'replacement_trigger="one"',
    "deleted-with": "deleted_with=base",
    "replace-with": "replace_with=[base]",
    "hide": 'hide_diffs=["label"]',
    "timeouts": 'custom_timeouts=pulumi.CustomTimeouts(create="5m", delete="90s")',
    "hooks": "hooks=pulumi.ResourceHookBinding(before_create=[hook], after_delete=[hook])",
}
SET = {
    "protect": {"protect": True},
    "retain": {"retainOnDelete": True},
    "ignore": {"ignoreChanges": ["label", "list"]},
    "secret-outputs": {"additionalSecretOutputs": ["arn"]},
    "replace-on": {"replaceOnChanges": ["list[0]"]},
    "trigger": {"replacementTrigger": "one"},
    "deleted-with": {"deletedWith": "urn:pulumi:dev::fixture::echo:index:Thing::base"},
    "replace-with": {"replaceWith": ["urn:pulumi:dev::fixture::echo:index:Thing::base"]},
    "hide": {"hideDiff": ["label"]},
    "timeouts": {"customTimeouts": {"create": 300, "delete": 90}},
    "hooks": {"resourceHooks": {"BeforeCreate": ["hook"], "AfterDelete": ["hook"]}},
}
PROPS = '{"label": "s", "list": ["a"]}'


def _program(options: dict[str, str]) -> str:
    lines = [f'Thing("{name}", {PROPS}, Opts({text}))' for name, text in options.items()]
    return COMMON + "\n".join(lines) + "\n"


MORE_BEFORE = """
Thing("provider", {"label": "s"})
Thing("parent", {"label": "s"})
Thing("alias", {"label": "s"})
Thing("depends", {"label": "s"})
Thing("version", {"label": "s"})
Thing("delete-first", {"label": "s"})
Thing("delete-first-used", {"kind": "a"})
Thing("ignored", {"label": "s", "list": "a"}, Opts(ignore_changes=["label"]))
Thing("replaced-on", {"label": "s"}, Opts(replace_on_changes=["label"]))
Thing("triggered", {"label": "s"}, Opts(replacement_trigger="one"))
Thing("transformed", {"label": "s"})
Group("many")
"""
MORE_AFTER = """
TOP = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
Thing("provider", {"label": "s"}, Opts(provider=other))
Thing("parent", {"label": "s"}, Opts(parent=group, aliases=[TOP]))
Thing("alias", {"label": "s"}, Opts(aliases=[pulumi.Alias(name="never")]))
Thing("depends", {"label": "s"}, Opts(depends_on=[base, group]))
Thing("version", {"label": "s"}, Opts(version="2.0.0", plugin_download_url="http://127.0.0.1:9"))
Thing("delete-first", {"label": "s"}, Opts(delete_before_replace=True))
Thing("delete-first-used", {"kind": "b"}, Opts(delete_before_replace=True))
Thing("ignored", {"label": "t", "list": "b"}, Opts(ignore_changes=["label"]))
Thing("replaced-on", {"label": "t"}, Opts(replace_on_changes=["label"]))
Thing("triggered", {"label": "s"}, Opts(replacement_trigger="two"))
def shout(args):
    return pulumi.ResourceTransformResult({**args.props, "label": "S"}, args.opts)
Thing("transformed", {"label": "s"}, Opts(transforms=[shout]))
Group("many", opts=Opts(providers=[other]))
"""


@pytest.fixture(scope="module")
def document(echo_checkout: Callable[[], Checkout]) -> Document:
    checkout = echo_checkout()
    write_echo(checkout, _program(dict.fromkeys(OPTIONS, "")) + MORE_BEFORE).init().up()
    return write_echo(checkout, _program(OPTIONS) + MORE_AFTER).document()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_alone_is_an_operation(document: Document, name: str) -> None:
    operation = only(document, name)
    before, after = operation["options"]["before"], operation["options"]["after"]

    assert operation["op"] == "metadata"
    assert operation["before"]["inputs"] == operation["after"]["inputs"]
    assert {key: value for key, value in after.items() if before.get(key) != value} == SET[name]


def test_an_option_taken_back_is_an_operation(
    document: Document, echo_checkout: Callable[[], Checkout]
) -> None:
    checkout = write_echo(echo_checkout(), _program(OPTIONS)).init()
    checkout.up()
    back = write_echo(checkout, _program(dict.fromkeys(OPTIONS, ""))).document()

    assert sorted(ops(back)) == sorted(OPTIONS)
    for name in OPTIONS:
        after, before = (only(back, name)["options"][side] for side in ("after", "before"))
        assert {key: before[key] for key in before.keys() - after.keys()} == SET[name]


def test_an_option_with_a_mark_of_its_own(document: Document) -> None:
    by_name = {name: only(document, name) for name in ("provider", "parent", "depends")}

    assert {operation["op"] for operation in by_name.values()} == {"metadata"}
    assert by_name["provider"]["provider"]["after"]["urn"].endswith("::other")
    assert by_name["parent"]["options"]["after"]["parent"].endswith("::group")
    # An alias is used up where it finds something, and is no change where it finds nothing.
    assert found(document, "alias") == []
    assert [urn.rpartition("::")[2] for urn in by_name["depends"]["dependencies"]["after"]] == [
        "base",
        "parent",  # a component stands for its children
    ]


def test_a_version_and_a_download_address_are_another_provider(document: Document) -> None:
    operation = only(document, "version")
    urn = operation["provider"]["after"]["urn"]
    made = next(entry for entry in document.operations if entry["urn"] == urn)

    assert operation["provider"]["before"]["urn"].endswith("::default")
    assert made["op"] == "create"
    assert made["after"]["inputs"]["version"] == "2.0.0"
    assert "http://127.0.0.1:9" in str(made["after"]["inputs"])


def test_delete_before_replace_counts_where_something_is_replaced(document: Document) -> None:
    made = found(document, "delete-first-used")[0]

    assert found(document, "delete-first") == []
    assert made["op"] == "create-replacement"
    assert made["options"]["after"]["deleteBeforeReplace"] is True


def test_an_ignored_input_stays_as_it_was(document: Document) -> None:
    assert only(document, "ignored")["after"]["inputs"] == {"label": "s", "list": "b"}


@pytest.mark.parametrize(("name", "keys"), [("replaced-on", ["label"]), ("triggered", [])])
def test_what_asks_for_a_replacement_gets_one(
    document: Document, name: str, keys: list[str]
) -> None:
    assert ops(document)[name] == ["create-replacement", "delete-replaced", "replace"]
    assert found(document, name)[0]["replaceKeys"] == keys


def test_a_transform_counts_by_what_it_makes_of_the_resource(document: Document) -> None:
    operation = only(document, "transformed")

    assert (operation["op"], operation["after"]["inputs"]) == ("update", {"label": "S"})
