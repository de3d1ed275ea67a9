"""What a program runs on: the same for two honest installations, another for a changed byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import keccak
from pulumi_mandate.plan.toolchain import Package, installed_packages, toolchain


def install(
    site: Path, code: str = "X = 1\n", version: str = "1.0", script: str = "/a/python"
) -> Path:
    """What pip leaves behind, in a folder of our own."""
    info = site / f"Things_SDK-{version}.dist-info"
    info.mkdir(parents=True)
    (site / "things_sdk").mkdir()
    (site / "things_sdk" / "__init__.py").write_text(code)
    (site / "things_sdk" / "__init__.cpython-311.pyc").write_text(script)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Things_SDK\nVersion: {version}\n")
    (info / "INSTALLER").write_text(script)
    (info / "direct_url.json").write_text(script)
    (site.parent / "bin").mkdir()
    (site.parent / "bin" / "things").write_text(f"#!{script}")
    names = ["things_sdk/__init__.py", "things_sdk/__init__.cpython-311.pyc", "../bin/things"]
    names += [
        f"{info.name}/{name}" for name in ("METADATA", "INSTALLER", "direct_url.json", "RECORD")
    ]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    return site


def test_two_installations_of_one_version_agree(tmp_path: Path) -> None:
    first = installed_packages([str(install(tmp_path / "one" / "site"))])
    second = installed_packages([str(install(tmp_path / "two" / "site", script="/b/python"))])

    assert first == second
    assert (first[0].name, first[0].version, first[0].modules) == (
        "things-sdk",
        "1.0",
        ("things_sdk",),
    )


def test_a_changed_byte_or_version_is_another_package(tmp_path: Path) -> None:
    sites = [
        install(tmp_path / "one" / "site"),
        install(tmp_path / "two" / "site", code="X = 2\n"),
        install(tmp_path / "three" / "site", version="1.1"),
    ]
    digests = {toolchain("v3", installed_packages([str(site)])).digest for site in sites}

    assert len(digests) == 3


def test_a_package_that_lost_a_file_is_refused(tmp_path: Path) -> None:
    site = install(tmp_path / "site")
    (site / "things_sdk" / "__init__.py").unlink()

    with pytest.raises(UsageError, match="lacks its file"):
        installed_packages([str(site)])


def test_the_first_on_the_path_is_the_one_that_counts(tmp_path: Path) -> None:
    sites = [install(tmp_path / "one" / "site"), install(tmp_path / "two" / "site", code="X = 2\n")]
    both = installed_packages([str(site) for site in sites])

    assert both == installed_packages([str(sites[0])])


def test_our_own_package_counts_from_a_checkout_too(tmp_path: Path) -> None:
    own = tmp_path / "pulumi_mandate"
    own.mkdir()
    (own / "__init__.py").write_text("A = 1\n")
    before = installed_packages([str(tmp_path)])
    (own / "__init__.py").write_text("A = 2\n")

    assert [package.name for package in before] == ["pulumi_mandate"]
    assert installed_packages([str(tmp_path)]) != before


def test_order_of_packages_and_plugins_does_not_matter_but_flags_do() -> None:
    packages = [Package(name, "1", keccak(name.encode()), (name,)) for name in ("a", "b")]
    plugins = [{"name": "aws", "kind": "resource", "version": "7"},
               {"name": "random", "kind": "resource", "version": "4"}]  # fmt: skip
    first = toolchain("v3", packages, plugins=plugins, flags=["--target=x"])
    second = toolchain("v3", packages[::-1], plugins=plugins[::-1], flags=["--target=x"])

    assert first.digest == second.digest
    assert first.modules == second.modules
    assert first.digest != toolchain("v3", packages, plugins=plugins).digest
    assert (
        first.digest != toolchain("v3", packages, plugins=plugins[:1], flags=["--target=x"]).digest
    )
