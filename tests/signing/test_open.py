"""The scheme table, and what may be imported before a key is opened."""

from __future__ import annotations

from importlib import import_module

import pytest

from pulumi_mandate.signing import SCHEMES, _open, load_client


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_the_client_of_every_scheme_can_be_loaded_and_nothing_is_opened(scheme, monkeypatch):
    loaded = []
    monkeypatch.setattr(_open, "import_module", lambda name: loaded.append(import_module(name)))

    load_client(f"{scheme}:/nowhere?at=all")

    # A broker is asked by what Python has itself.
    assert bool(loaded) == (scheme != "broker")


def test_what_cannot_be_imported_is_said_when_the_key_is_opened(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_open, "import_module", missing)

    load_client("awskms:///alias/x")
    load_client("nobody:/knows")
