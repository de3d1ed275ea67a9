"""A run that does all it was asked: one resource is made, one goes."""

from __future__ import annotations

from pulumi_mandate.gate.journal import ALLOWED, Entry
from tests.gate.cases import deployment, document, operation, resource, urn

PLAN = document(operation("a"), operation("b", "delete"))
BEFORE = deployment(resource("b", "old"))
AFTER = deployment(resource("a"))
ASKED = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "delete", urn("b"), 1)]
