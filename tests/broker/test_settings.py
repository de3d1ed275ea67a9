"""The broker's file: every word in it decides something, so an unknown one refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.broker.settings import load_settings, parse_settings
from pulumi_mandate.errors import Refused, UsageError
from tests.broker.stage import BROKER, CONTROLLER, READ, WRITE

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "broker.md"


def example() -> str:
    """The file that the reference shows."""
    return REFERENCE.read_text().partition("```toml\n")[2].partition("```")[0]


def test_the_references_example_is_understood() -> None:
    found = parse_settings(example())

    assert (found.id, found.host, found.port) == (BROKER, "0.0.0.0", 8443)  # noqa: S104
    assert found.runners[CONTROLLER].controller
    (stack,) = found.subjects
    assert stack.aws is not None
    assert (stack.aws.write, stack.aws.read, stack.aws.widen) == (WRITE, READ, False)
    assert stack.kubernetes is not None
    assert stack.kubernetes.namespace == "shop"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1", "version = 2"),
        ("version = 1", "version = 1\nmore = 1"),
        ('trust = "/', 'trust = "'),
        ('listen = "0.0.0.0:8443"', 'listen = "0.0.0.0"'),
        ("longest_seconds = 3600", "longest_seconds = 0"),
        ("longest_seconds = 3600", "longest_seconds = 100000"),
        ("longest_seconds = 3600", "longest_seconds = true"),
        ('kind = "controller"', 'kind = "root"'),
        ('kind = "controller"', 'kind = "controller"\nmore = 1'),
        ('address = "0x', 'address = "'),
        ('name = "organization/shop/prod"', 'name = "shop/prod"'),
        ('runners = ["spiffe://acme.example/controller"', 'runners = ["spiffe://acme.example/x"'),
        ('where_too_long = "refuse"', 'where_too_long = "ask"'),
        (f'write_role = "{WRITE}"', 'write_role = "mandate-write"'),
        ('region = "eu-central-1"', 'region = "../x"'),
        ('region = "eu-central-1"', ""),
        ('server = "https://', 'server = "http://'),
        ('namespace = "shop"', 'namespace = "../shop"'),
        ('write_account = "mandate-write"', 'write_account = ""'),
        ('id = "spiffe://acme.example/broker"', 'id = "broker"'),
        ("[identity]", "[who]"),
        ('name = "organization/platform/broker"', 'name = "platform/broker"'),
        ('name = "organization/platform/broker"', 'name = "a/b/c"\nmore = 1'),
    ],
)
def test_what_it_does_not_know_it_refuses(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "broker.toml"
    path.touch(mode=0o600)
    assert old in example()
    path.write_text(example().replace(old, new))

    with pytest.raises(UsageError, match="malformed"):
        load_settings(path)


def test_a_stack_is_named_once() -> None:
    twice = example() + example().partition("[[subjects]]")[2].join(["\n[[subjects]]", ""])

    with pytest.raises(ValueError, match="named twice"):
        parse_settings(twice)


def test_the_file_is_the_brokers_own(tmp_path: Path) -> None:
    path = tmp_path / "broker.toml"
    path.write_text(example())
    path.chmod(0o666)

    with pytest.raises(Refused, match="can be changed by others"):
        load_settings(path)
    with pytest.raises(UsageError, match="no broker file"):
        load_settings(tmp_path / "absent.toml")
