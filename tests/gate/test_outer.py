"""The outer command is understood flag by flag, or refused."""

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.outer import parse_command


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("pulumi up", "up"),
        ("pulumi update --yes", "up"),
        ("pulumi up -yf --stack dev", "up"),
        ("pulumi -C there up --skip-preview=true", "up"),
        ("pulumi --cwd=there --non-interactive up -sdev -p 4", "up"),
        ("pulumi up -s=dev -p4 -m note --color never --json -v=3 --logtostderr", "up"),
        ("pulumi up --suppress-permalink --suppress-outputs=false", "up"),
        ("pulumi up --exec-kind auto.local --event-log log --stack dev", "up"),
        ("pulumi preview --diff", "preview"),
        ("pulumi destroy --yes --run-program -s dev", "destroy"),
        ("pulumi down -yf --run-program --skip-preview", "destroy"),
        ("pulumi pre", "preview"),
    ],
)
def test_known_command_lines_are_understood(words, kind):
    assert parse_command(words.split()).kind == kind


@pytest.mark.parametrize(
    "flag",
    [
        "--refresh", "-r", "--refresh=false", "-yr",
        "--config-file other.yaml", "-c a=b", "--config a=b", "--config-path", "--plan plan.json",
        "--policy-pack pack", "--continue-on-error", "--disable-integrity-checking", "--strict",
        "--attach-debugger", "--override-env a=b", "--ignore-protect", "--run-program",
        "--client=127.0.0.1:1", "--skip-plugin-pre-install", "--secrets-provider awskms://x",
        "--tracing file:/x", "--invented", "-Z", "--remote", "--exec-kind auto.inline",
    ],
)  # fmt: skip
def test_a_flag_that_may_change_meaning_refuses(flag):
    with pytest.raises(Refused) as refusal:
        parse_command(["pulumi", "up", "--yes", *flag.split()])

    assert refusal.value.step == 1
    assert refusal.value.next_step


@pytest.mark.parametrize(
    "words",
    [
        "pulumi destroy --remove", "pulumi refresh --run-program", "pulumi destroy --replace urn",
        "pulumi destroy --target-replace urn", "pulumi destroy --exclude-dependents",
        "pulumi destroy --exclude-protected",
        "pulumi import a b c", "pulumi watch",
        "pulumi stack", "pulumi", "pulumi --yes", "pulumi up https://example.com/template",
        "pulumi up -- template", "pulumi up --stack", "pulumi up -s", "pulumi up --yes=maybe",
        "pulumi --stack up", "pulumi up -f=x",
    ],
)  # fmt: skip
def test_other_commands_and_half_ones_refuse(words):
    with pytest.raises(Refused):
        parse_command(words.split())


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("", ()),
        ("-t b --target=a -ta", ("--target=a", "--target=b")),
        ("-x b --exclude a", ("--exclude=a", "--exclude=b")),
        ("--target-replace a", ("--replace=a", "--target=a")),
        ("--replace a --target a", ("--replace=a", "--target=a")),
        ("--target-dependents --target a", ("--target-dependents", "--target=a")),
        ("--target-dependents --target-dependents=false", ()),
        ("--exclude-dependents=false --exclude-dependents", ("--exclude-dependents",)),
        ("--message --target -s a", ()),
    ],
)
def test_what_a_plan_binds_has_one_form(words, flags):
    assert parse_command(["pulumi", "up", "--yes", *words.split()]).flags == flags


def test_a_destroy_is_bound_to_its_part_as_an_update():
    words = "pulumi down --run-program -t b -t a --target-dependents"

    found = parse_command(words.split())

    assert found.kind == "destroy"
    assert found.flags == ("--target-dependents", "--target=a", "--target=b")


@pytest.mark.parametrize(
    "words", ["up --refresh", "up -yr", "up --refresh=true", "destroy --run-program -r"]
)
def test_a_refresh_is_a_plan_of_its_own(words):
    with pytest.raises(Refused) as refusal:
        parse_command(["pulumi", *words.split()])

    assert "a plan of its own" in refusal.value.meaning
    assert "mandate propose --refresh" in refusal.value.next_step
    assert "mandate refresh" in refusal.value.next_step


def test_the_last_value_counts():
    command = parse_command(["pulumi", "up", "-s", "one", "--stack", "two"])

    assert command.option("stack") == "two"
    assert command.option("cwd") is None


def test_a_flag_that_looks_like_another_flags_value_is_that_value():
    """pflag takes the next word whatever it is: `--message --target` names a message."""
    command = parse_command(["pulumi", "up", "--message", "--target"])

    assert command.option("message") == "--target"
