"""Attack: `PYTHONPATH` brings a `sitecustomize` that runs before the program and covers its traces.

It takes the variable out of its own environment; the gate asks the engine's. The same with what is
less known to run something: a filter of warnings, whose category Python imports, and a file by
which OpenSSL loads a library. The defender sees step 1 and the variable.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

COVERED = """
import os

os.environ.pop("PYTHONPATH", None)
"""


def test_code_before_the_first_line_is_refused(approved: Attacked, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(COVERED)
    approved.environment["PYTHONPATH"] = str(tmp_path)

    approved.refused(1, "`PYTHONPATH` may change what the update does", "unset PYTHONPATH")


def test_a_filter_of_warnings_and_a_library_of_openssl_are_refused(
    approved: Attacked, tmp_path: Path
) -> None:
    ran, browser, settings = (tmp_path / name for name in ("ran", "browser", "openssl.cnf"))
    browser.write_text(f"#!/bin/sh\ntouch {ran}\n")
    browser.chmod(0o755)
    honest = dict(approved.environment)
    evil = {"PYTHONWARNINGS": "all:0:antigravity.x:0:0", "BROWSER": f"{browser} %s"}
    approved.environment = honest | evil
    approved.refused(1, "`PYTHONWARNINGS`", "categories without a module")
    assert ran.exists(), "or it was no attack"

    settings.touch()
    approved.environment = honest | {"OPENSSL_CONF": str(settings)}
    approved.refused(1, "`OPENSSL_CONF`", "unset OPENSSL_CONF")
