"""Programs on the echo provider (a stand-in, see `tests/plugins/echo_provider.py`)."""

from __future__ import annotations

from typing import Any

from pulumi_mandate.plan.document import Document
from tests.engine.checkouts import Checkout

MODULE = """
import pulumi

Opts = pulumi.ResourceOptions


class Thing(pulumi.CustomResource):
    arn: "pulumi.Output[str]"

    def __init__(self, name, props=None, opts=None, token="echo:index:Thing"):
        outs = {"arn": None, "outs": None, "token": None, "name": None}
        super().__init__(token, name, outs | (props or {}), opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name, outputs=None, opts=None):
        super().__init__("fixture:index:Group", name, {}, opts)
        self.register_outputs(outputs or {})
"""


def write_echo(checkout: Checkout, main: str) -> Checkout:
    """The program, after the import of a resource and a component of the echo provider."""
    return checkout.write("from echo import Group, Opts, Thing\n" + main, echo=MODULE)


def found(document: Document, name: str) -> list[dict[str, Any]]:
    """The operations on the resources with this name, in the document's order."""
    return [
        operation
        for operation in document.operations
        if operation["urn"].rpartition("::")[2] == name
    ]


def only(document: Document, name: str) -> dict[str, Any]:
    """The one operation on the resource with this name."""
    (operation,) = found(document, name)
    return operation


def ops(document: Document) -> dict[str, list[str]]:
    """The engine's steps by the name of the resource; default providers left out."""
    by_name: dict[str, list[str]] = {}
    for operation in document.operations:
        _, _, rest = operation["urn"].rpartition("::")
        if not rest.startswith("default"):
            by_name.setdefault(rest, []).append(operation["op"])
    return by_name
