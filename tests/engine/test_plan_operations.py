"""What the engine would do is what people read: every kind of step, on the real engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_mandate.models import Kind
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.render import render_text
from tests.engine.checkouts import Checkout
from tests.engine.echo import found, only, ops, write_echo

pytestmark = pytest.mark.engine

TREE = """
class Tree(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("fixture:index:Tree", name, {}, opts)
        inner = Group(f"{name}-inner", opts=Opts(parent=self))
        Thing(f"{name}-leaf", {"label": "s"}, Opts(parent=inner))
        self.register_outputs({})
"""
BEFORE = (
    TREE
    + """
one = pulumi.ProviderResource("echo", "one", {"region": "one"})
two = pulumi.ProviderResource("echo", "two", {"region": "one"})
group, group2 = Group("group", {"kept": 1, "changed": "a"}), Group("group2")
Thing("update", {"label": "a", "kept": 1, "gone": "x"})
Thing("still", {"label": "a"})
Thing("replace", {"kind": "a"})
first = Thing("replace-first", {"kind": "a", "first": "delete"})
Thing("dependent", {"kind": first.arn, "old": "x"})
Thing("delete", {"label": "d"})
Thing("abandon", {"label": "d"}, Opts(retain_on_delete=True))
Thing("reimport", {"label": "mine"})
Thing("read-again", {"label": "x"}, Opts(id="r-1"))
Thing("read-other", {"label": "x"}, Opts(id="r-1"))
Thing("read-no-more", None, Opts(id="r-3"))
Thing("read-then-managed", None, Opts(id="r-4"))
Thing("managed-then-read", {"label": "m"})
Thing("provider", {"label": "s"}, Opts(provider=one))
Thing("parent", {"label": "s"}, Opts(parent=group))
Thing("old-name", {"label": "s"})
Thing("retyped", {"label": "s"}, token="echo:index:OldThing")
Thing("under", {"label": "s"}, Opts(parent=group, provider=one))
Tree("tree", Opts(protect=True))
Tree("moved", Opts(providers=[one]))
Tree("dropped")
"""
)
AFTER = (
    TREE
    + """
one = pulumi.ProviderResource("echo", "one", {"region": "one"})
two = pulumi.ProviderResource("echo", "two", {"region": "two"})
group, group2 = Group("group", {"kept": 1, "changed": "b"}), Group("group2")
created = Thing("create", {"label": "c"})
Thing("update", {"label": "b", "kept": 1, "new": "y"})
Thing("still", {"label": "a"})
Thing("replace", {"kind": "b"})
first = Thing("replace-first", {"kind": "b", "first": "delete"})
Thing("dependent", {"kind": first.arn, "new": "x"})
Thing("import", {"label": "ext-1"}, Opts(import_="ext-1"))
Thing("import-other", {"label": "z", "secret": pulumi.Output.secret("hunter2")},
      Opts(import_="ext-2"))
Thing("reimport", {"label": "ext-3"}, Opts(import_="ext-3"))
Thing("read", {"label": "x"}, Opts(id="r-0"))
Thing("read-again", {"label": "x"}, Opts(id="r-1"))
Thing("read-other", {"label": "x"}, Opts(id="r-2"))
Thing("read-later", None, Opts(id=created.id))
Thing("read-then-managed", {"label": "m"})
Thing("managed-then-read", None, Opts(id="id-managed-then-read"))
Thing("provider", {"label": "s"}, Opts(provider=two))
Thing("parent", {"label": "s"}, Opts(parent=group2, aliases=[pulumi.Alias(parent=group)]))
Thing("new-name", {"label": "s"}, Opts(aliases=[pulumi.Alias(name="old-name")]))
Thing("retyped", {"label": "s"}, Opts(aliases=[pulumi.Alias(type_="echo:index:OldThing")]))
Thing("under", {"label": "t"}, Opts(parent=group, provider=one))
Tree("tree")
Tree("moved")
created.arn.apply(lambda arn: Thing("inside-unknown", {"label": arn}))
pulumi.Output.from_input("v").apply(lambda text: Thing("inside-known", {"label": text}))
pulumi.export("arn", created.arn)
"""
)
UNKNOWN = {"mandate:v1": "unknown", "secret": False}
URN = "urn:pulumi:dev::fixture::"


@pytest.fixture(scope="module")
def document(echo_checkout: Callable[[], Checkout]) -> Document:
    checkout = write_echo(echo_checkout(), BEFORE).init()
    checkout.up()
    return write_echo(checkout, AFTER).document()


def test_these_are_the_operations_and_no_other(document: Document) -> None:
    expected = {
        "create": ["create"],
        "update": ["update"],
        "replace": ["create-replacement", "delete-replaced", "replace"],
        "replace-first": ["create-replacement", "delete-replaced", "replace"],
        "dependent": ["create-replacement", "delete-replaced", "replace"],
        "delete": ["delete"],
        "abandon": ["abandon"],
        "import": ["import"],
        "import-other": ["import", "update"],
        "reimport": ["delete-replaced", "import-replacement", "replace"],
        "read": ["read"],
        "read-other": ["read"],
        "read-later": ["read"],
        "read-no-more": ["discard"],
        "read-then-managed": ["create-replacement", "discard-replaced", "replace"],
        "managed-then-read": ["read"],
        "provider": ["metadata"],
        "parent": ["metadata"],
        "new-name": ["metadata"],
        "retyped": ["metadata"],
        "under": ["update"],
        "two": ["update"],
        "group": ["metadata"],
        "tree": ["metadata"],
        "tree-inner": ["metadata"],
        "tree-leaf": ["metadata"],
        "moved-leaf": ["metadata"],
        "dropped": ["delete"],
        "dropped-inner": ["delete"],
        "dropped-leaf": ["delete"],
        "inside-known": ["create"],
        "fixture-dev": ["metadata"],
    }

    assert ops(document) == expected


def test_the_document_is_read_back_and_rendered(document: Document) -> None:
    assert Document.load(document.data).fields() == document.fields()
    for operation in document.operations:
        assert operation["urn"].rpartition("::")[2] in render_text(document)


def test_a_create_has_no_past_and_an_update_says_every_key(document: Document) -> None:
    create, update = only(document, "create"), only(document, "update")

    assert (create["before"], create["after"], create["id"]) == (
        None,
        {"inputs": {"label": "c"}},
        None,
    )
    assert update["before"]["inputs"] == {"label": "a", "kept": 1, "gone": "x"}
    assert update["after"] == {"inputs": {"label": "b", "kept": 1, "new": "y"}}
    assert update["id"] == "id-update"


@pytest.mark.parametrize(("name", "first"), [("replace", None), ("replace-first", True)])
def test_a_replacement_says_which_of_the_two_comes_first(
    document: Document, name: str, first: bool | None
) -> None:
    made, gone, whole = found(document, name)

    assert (made["kind"], gone["kind"], whole["kind"]) == (Kind.REPLACE,) * 3
    assert made["after"] == whole["after"]
    assert made["after"]["inputs"]["kind"] == "b"
    assert (gone["before"]["inputs"]["kind"], gone["after"]) == ("a", None)
    assert made["replaceKeys"] == ["kind"]
    assert made["options"]["after"].get("deleteBeforeReplace") is first


def test_what_depends_on_a_replacement_is_replaced_with_it(document: Document) -> None:
    made, _gone, _whole = found(document, "dependent")

    assert made["after"]["inputs"] == {"kind": UNKNOWN, "new": "x"}
    assert made["before"]["inputs"] == {"kind": "arn:replace-first", "old": "x"}
    assert made["propertyDependencies"]["after"]["kind"] == [
        f"{URN}echo:index:Thing::replace-first"
    ]


def test_a_delete_names_what_goes_and_an_abandon_what_stays(document: Document) -> None:
    delete, abandon = only(document, "delete"), only(document, "abandon")

    assert (delete["id"], delete["before"]["inputs"], delete["after"]) == (
        "id-delete",
        {"label": "d"},
        None,
    )
    assert (abandon["kind"], abandon["options"]["before"]["retainOnDelete"]) == (
        Kind.ABANDON,
        True,
    )


def test_an_import_names_what_is_adopted_and_how_it_changes(document: Document) -> None:
    whole = only(document, "import")
    adopted, changed = found(document, "import-other")

    assert (whole["kind"], whole["id"], whole["after"]["inputs"]) == (
        Kind.IMPORT,
        "ext-1",
        {"label": "ext-1"},
    )
    assert adopted["id"] == changed["id"] == "ext-2"
    assert changed["before"]["inputs"] == {"label": "ext-2"}
    assert changed["after"]["inputs"]["label"] == "z"
    assert changed["after"]["inputs"]["secret"]["mandate:v1"] == "secret"
    assert b"hunter2" not in document.data


def test_an_import_over_another_resource_replaces_it(document: Document) -> None:
    gone, adopted, _whole = found(document, "reimport")

    assert (gone["id"], adopted["id"]) == ("id-reimport", "ext-3")


def test_a_read_is_an_operation_only_where_something_changes(document: Document) -> None:
    read, other, later = (only(document, name) for name in ("read", "read-other", "read-later"))

    assert (read["kind"], read["before"], read["after"]["id"]) == (Kind.READ, None, "r-0")
    assert (other["before"]["id"], other["after"]["id"]) == ("r-1", "r-2")
    assert later["after"]["id"] == UNKNOWN
    assert {"urn": later["urn"], "path": ["id"]} in [
        {key: entry[key] for key in ("urn", "path")} for entry in document.content["unknowns"]
    ]


def test_who_manages_a_resource_is_part_of_the_plan(document: Document) -> None:
    released = only(document, "managed-then-read")

    assert released["options"] == {
        "before": {"parent": f"{URN}pulumi:pulumi:Stack::fixture-dev"},
        "after": {"parent": f"{URN}pulumi:pulumi:Stack::fixture-dev", "external": True},
    }
    assert {entry["op"] for entry in found(document, "read-then-managed")} >= {"discard-replaced"}


def test_another_provider_parent_name_or_type_is_metadata(document: Document) -> None:
    provider, parent = only(document, "provider"), only(document, "parent")
    name, retyped = only(document, "new-name"), only(document, "retyped")

    assert provider["provider"]["before"]["urn"].endswith("::one")
    assert provider["provider"]["after"]["urn"].endswith("::two")
    assert parent["options"]["before"]["parent"].endswith("::group")
    assert parent["options"]["after"]["parent"].endswith("::group2")
    assert name["options"]["after"]["aliases"] == [f"{URN}echo:index:Thing::old-name"]
    assert name["before"]["urn"] == f"{URN}echo:index:Thing::old-name"
    assert (name["id"], retyped["id"]) == ("id-old-name", "id-retyped")
    assert retyped["options"]["after"]["aliases"] == [f"{URN}echo:index:OldThing::retyped"]


def test_an_explicit_provider_that_changes_is_an_operation_of_its_own(document: Document) -> None:
    two = only(document, "two")

    assert (two["before"]["inputs"], two["after"]["inputs"]) == (
        {"region": "one"},
        {"region": "two"},
    )


def test_outputs_of_components_and_stacks_are_shown(document: Document) -> None:
    group, stack = only(document, "group"), only(document, "fixture-dev")

    assert group["before"]["outputs"] == {"kept": 1, "changed": "a"}
    assert group["after"]["outputs"] == {"kept": 1, "changed": "b"}
    assert stack["after"]["outputs"] == {"arn": UNKNOWN}


def test_a_component_hands_its_options_down(document: Document) -> None:
    leaf, moved = only(document, "tree-leaf"), only(document, "moved-leaf")

    assert leaf["options"]["before"]["protect"] is True
    assert "protect" not in leaf["options"]["after"]
    assert moved["provider"]["before"]["urn"].endswith("::one")
    assert moved["provider"]["after"]["urn"].endswith("::default")
