"""What a program runs on: the same for two honest installations, another for a changed byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import keccak
from pulumi_mandate.plan.toolchain import (
    UNOWNED,
    Package,
    _listed,
    _name_and_version,
    installed_packages,
    toolchain,
)


def install(
    site: Path, code: str = "X = 1\n", version: str = "1.0", script: str = "/a/python"
) -> Path:
    """What pip leaves behind, in a folder of our own."""
    info = site / f"Things_SDK-{version}.dist-info"
    info.mkdir(parents=True)
    (site / "things_sdk").mkdir()
    (site / "things_sdk" / "__init__.py").write_text(code)
    (site / "things_sdk" / "__pycache__").mkdir()
    (site / "things_sdk" / "__pycache__" / "__init__.cpython-311.pyc").write_text(script)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Things_SDK\nVersion: {version}\n")
    (info / "INSTALLER").write_text(script)
    (info / "direct_url.json").write_text(json.dumps({"url": f"file://{script}", "dir_info": {}}))
    (site.parent / "bin").mkdir()
    (site.parent / "bin" / "things").write_text(f"#!{script}")
    names = ["things_sdk/__init__.py", "things_sdk/__pycache__/__init__.cpython-311.pyc"]
    names += ["../bin/things"]
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


def test_files_names_and_versions_are_read_as_the_standard_library_reads_them() -> None:
    seen: dict[str, tuple[str, list[str]]] = {}
    for one in distributions():
        name = one.name.lower().replace("_", "-").replace(".", "-")
        seen.setdefault(name, (one.version, [str(path) for path in one.files or ()]))

    ours = {
        name: (version, list(_listed(name, one)))
        for one in reversed(list(distributions()))
        for name, version in [_name_and_version(one)]
    }
    assert len(ours) > 50
    assert ours == seen


@pytest.mark.parametrize(
    "written", ["things_sdk//__init__.py", "./things_sdk/__init__.py", '"things_sdk/__init__.py"']
)
def test_however_a_record_writes_a_name_it_is_the_same_file(tmp_path: Path, written: str) -> None:
    plain = install(tmp_path / "one" / "site")
    other = install(tmp_path / "two" / "site")
    record = other / "Things_SDK-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("things_sdk/__init__.py,", f"{written},", 1))

    assert installed_packages([str(other)]) == installed_packages([str(plain)])


def test_an_installation_by_older_tools_is_read(tmp_path: Path) -> None:
    site = install(tmp_path / "site")
    info = site / "Things_SDK-1.0.dist-info"
    (info / "RECORD").unlink()

    older = info.rename(site / "Things_SDK-1.0.egg-info")
    (older / "METADATA").rename(older / "PKG-INFO")
    (older / "SOURCES.txt").write_text("things_sdk/__init__.py\n")
    found = installed_packages([str(site)])[0]
    assert (found.name, found.version, found.modules) == ("things-sdk", "1.0", ("things_sdk",))


def test_the_first_on_the_path_is_the_one_that_counts(tmp_path: Path) -> None:
    sites = [install(tmp_path / "one" / "site"), install(tmp_path / "two" / "site", code="X = 2\n")]
    both = installed_packages([str(site) for site in sites])

    unowned = [package for package in both if package.name == UNOWNED]
    assert both == [*installed_packages([str(sites[0])]), *unowned]
    assert len(unowned) == 1  # the second can be imported where the first lacks a module


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


def digest_of(*places: Path) -> str:
    return toolchain("v3", installed_packages([str(place) for place in places])).digest.hex()


def _write(name: str, content: str = "x = 1\n") -> Callable[[Path], None]:
    def change(site: Path) -> None:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)

    return change


@pytest.mark.parametrize(
    "name",
    ["sitecustomize.py", "usercustomize.py", "sitecustomize/__init__.py", "stray.py", "stray.pth",
     "stray/__init__.py", "things_sdk/more.py", "things_sdk/__init__.pyc", "old.pyc",
     "gone-1.dist-info/METADATA"],
)  # fmt: skip
def test_what_nobody_installed_counts(tmp_path: Path, name: str) -> None:
    site = install(tmp_path / "site")
    before = digest_of(site)
    _write(name, "import x\n")(site)
    first = digest_of(site)
    _write(name, "import y\n")(site)

    assert len({before, first, digest_of(site)}) == 3


def test_cached_bytecode_does_not_count(tmp_path: Path) -> None:
    site = install(tmp_path / "site")
    before = digest_of(site)
    _write("things_sdk/__pycache__/more.cpython-311.pyc")(site)
    _write("__pycache__/stray.cpython-311.pyc")(site)

    assert digest_of(site) == before


@pytest.mark.parametrize("name", ["sitecustomize.py", "usercustomize/__init__.py"])
def test_a_startup_module_counts_wherever_it_lies(tmp_path: Path, name: str) -> None:
    site, other = install(tmp_path / "site"), tmp_path / "other"
    other.mkdir()
    before = digest_of(site, other)
    _write(name)(other)

    assert digest_of(site, other) != before


def test_a_package_that_lists_no_files_is_refused(tmp_path: Path) -> None:
    site = install(tmp_path / "site")
    (site / "Things_SDK-1.0.dist-info" / "RECORD").unlink()

    with pytest.raises(UsageError, match="does not list its files") as refused:
        installed_packages([str(site)])
    assert "pip install things-sdk" in refused.value.next_step


def editable(site: Path, source: Path, path_file: str) -> Path:
    """What pip leaves behind for `pip install -e`."""
    install(site)
    info = site / "Things_SDK-1.0.dist-info"
    told = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(told))
    (site / "_things.pth").write_text(path_file)
    with (info / "RECORD").open("a") as record:
        record.write("_things.pth,,\n")
    return site


@pytest.mark.parametrize("by_finder", [True, False])
def test_the_source_of_an_editable_package_counts(tmp_path: Path, by_finder: bool) -> None:
    digests = []
    for place, code in (("one", "A = 1\n"), ("two", "A = 1\n"), ("three", "A = 2\n")):
        source = tmp_path / place / "source"
        _write("src/lib.py", code)(source)
        _write("src/__pycache__/lib.pyc", place)(source)
        paths = "import things_finder\n" if by_finder else f"{source / 'src'}\n"
        digests.append(digest_of(editable(tmp_path / place / "site", source, paths)))

    assert digests[0] == digests[1]  # whatever the place
    assert digests[0] != digests[2]


@pytest.mark.parametrize(
    "told",
    ["{", "[]", '{"dir_info": {"editable": true}}',
     '{"dir_info": {"editable": true}, "url": "https://example.org/x"}',
     '{"dir_info": {"editable": true}, "url": "file:///nowhere/at/all"}'],
)  # fmt: skip
def test_an_editable_package_without_its_source_is_refused(tmp_path: Path, told: str) -> None:
    site = install(tmp_path / "site")
    (site / "Things_SDK-1.0.dist-info" / "direct_url.json").write_text(told)

    with pytest.raises(UsageError, match="does not say where its source is"):
        installed_packages([str(site)])


def test_a_stray_path_file_binds_the_folder_and_not_its_place(tmp_path: Path) -> None:
    digests = []
    for place, code in (("one", "A = 1\n"), ("two", "A = 1\n"), ("three", "A = 2\n")):
        site = install(tmp_path / place / "site")
        _write("lib/more.py", code)(tmp_path / place)
        (site / "stray.pth").write_text(f"# mine\n{tmp_path / place / 'lib'}\nnowhere\n")
        digests.append(digest_of(site))

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_a_linked_folder_beside_the_packages_is_refused(tmp_path: Path) -> None:
    site = install(tmp_path / "site")
    (site / "stray").symlink_to(tmp_path)

    with pytest.raises(UsageError, match="a link to a folder"):
        installed_packages([str(site)])


def test_the_environment_of_these_tests_can_be_digested() -> None:
    names = {package.name for package in installed_packages()}

    assert {"pulumi", "pulumi_mandate", "pulumi_mandate_components"} <= names


def test_a_module_that_the_program_has_itself_belongs_to_no_package() -> None:
    packages = [Package("one", "1", keccak(b"one"), ("boto3", "botocore"))]

    found = toolchain("v3", packages, shadowed={"boto3", "other"})

    assert set(found.modules) == {"botocore"}
    assert found.content == toolchain("v3", packages).content
