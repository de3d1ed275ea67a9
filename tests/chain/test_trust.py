"""The trust file: whose it is, where it lies, what it says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.chain.trust import (
    CONTRACTS,
    Governors,
    Key,
    Trust,
    load_trust,
    parse_trust,
    render_trust,
    trust_path,
)
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.models import Address, checksum


def address(number: int) -> Address:
    return checksum(f"0x{number:040x}")


TRUST = Trust(
    chain_id=31337,
    rpc=("http://127.0.0.1:8545",),
    registry=address(1),
    token=address(3),
    access_manager=address(4),
    executor_registry=address(5),
    subjects=address(9),
    obligations=address(10),
    attestations=address(11),
    ballot_relay=address(15),
    council=address(16),
    emergency_gate=address(17),
    governors=Governors(address(2), address(12), address(22)),
    deployed_block=3,
    development=True,
    store_uri="file:///var/lib/mandate/store",
    executor=Key("awskms:///alias/executor?region=us-east-1", address(6)),
    runner=Key("keystore:///var/lib/ana/runner.json", address(7)),
    accounts={"ana": Key("keystore:///var/lib/ana/ana.json", address(8))},
    backend_ids={"file:///var/lib/ana/state": "demo-backend"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "trust.toml"
    file.write_text(render_trust(TRUST))
    file.chmod(0o600)
    return file


def test_what_was_written_is_read(path: Path) -> None:
    assert load_trust(path) == TRUST
    assert load_trust(path).executor == ("awskms:///alias/executor?region=us-east-1", address(6))


@given(
    st.text(min_size=1), st.text(min_size=1, max_size=10), st.integers(1, 2**63 - 1), st.booleans()
)
def test_any_text_survives_the_quoting(text: str, name: str, chain: int, keys: bool) -> None:
    trust = dataclasses.replace(
        TRUST,
        chain_id=chain,
        store_uri=text,
        executor=Key(text, address(9)) if keys else None,
        accounts={name: Key(text, address(9))},
        backend_ids={text: name},
    )

    assert parse_trust(render_trust(trust)) == trust


def test_the_environment_names_it_or_the_user_s_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert trust_path() == tmp_path / ".config" / "pulumi-mandate" / "trust.toml"

    monkeypatch.setenv("MANDATE_TRUST", str(path))
    assert load_trust() == TRUST


def test_a_missing_file_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_trust(tmp_path / "none.toml")

    assert "mandate dev start" in caught.value.next_step


@pytest.mark.parametrize("mark", [".git", "Pulumi.yaml", ".hg", ".jj"])
def test_a_file_inside_a_checkout_is_refused(tmp_path: Path, path: Path, mark: str) -> None:
    """A pull request cannot point us at another registry."""
    inside = tmp_path / "checkout" / "deep" / "trust.toml"
    inside.parent.mkdir(parents=True)
    inside.write_text(path.read_text())
    inside.chmod(0o600)
    assert load_trust(inside) == TRUST

    (tmp_path / "checkout" / mark).touch()

    with pytest.raises(Refused, match="lies inside a checkout"):
        load_trust(inside)


def test_a_link_into_a_checkout_is_refused_too(tmp_path: Path, path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / ".git").write_text("gitdir: elsewhere")
    target = checkout / "trust.toml"
    target.write_text(path.read_text())
    link = tmp_path / "innocent.toml"
    link.symlink_to(target)

    with pytest.raises(Refused, match="lies inside a checkout"):
        load_trust(link)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)

    with pytest.raises(Refused, match="can be changed by others"):
        load_trust(path)


def test_a_folder_that_others_may_write_is_refused_unless_sticky(path: Path) -> None:
    path.parent.chmod(0o777)
    with pytest.raises(Refused, match="can be changed by others"):
        load_trust(path)

    path.parent.chmod(0o1777)
    assert load_trust(path) == TRUST


def without(line_start: str) -> str:
    kept = [line for line in render_trust(TRUST).splitlines() if not line.startswith(line_start)]
    return "\n".join(kept)


GOOD = render_trust(TRUST)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml at all [", "malformed"),
        (without("version"), "version None is unknown"),
        (GOOD.replace("version = 1", "version = 2"), "version 2 is unknown"),
        (GOOD + "\n[surprise]\nx = 1\n", "holds `surprise`"),
        (GOOD.replace("[chain]", "[chain]\nfallback = 1"), r"\[chain\] holds `fallback`"),
        (without("registry"), "registry"),
        (GOOD.replace(address(1), address(0)), "zero address"),
        (GOOD.replace(address(1), "0x1234"), "an address is"),
        (without("deployed_block"), "deployed_block"),
        (GOOD.replace("id = 31337", 'id = "31337"'), "`id` is a whole number"),
        (GOOD.replace("id = 31337", "id = true"), "`id` is a whole number"),
        (GOOD.replace("development = true", "development = 1"), "true or false"),
        (GOOD.replace("development = true", "development = false"), "two endpoints"),
        (GOOD.replace("http://127.0.0.1:8545", "http://rpc.example:8545"), "loopback only"),
        (GOOD.replace("http://127.0.0.1:8545", "ftp://127.0.0.1"), "http or https"),
        (GOOD.replace('["http://127.0.0.1:8545"]', "[]"), "at least one URL"),
        (
            GOOD.replace('["http://127.0.0.1:8545"]', '["https://a.example", "https://a.example"]'),
            "only agree with itself",
        ),
        (GOOD.replace(f'address = "{address(6)}"', ""), "address"),
    ],
)
def test_a_malformed_file_is_refused_by_name(path: Path, text: str, words: str) -> None:
    path.write_text(text)

    with pytest.raises(UsageError, match=words) as caught:
        load_trust(path)

    assert caught.value.exit_code == 2


def test_two_endpoints_make_a_production_file(path: Path) -> None:
    text = GOOD.replace("development = true", "development = false").replace(
        '["http://127.0.0.1:8545"]', '["https://a.example/key", "https://b.example"]'
    )
    path.write_text(text)

    trust = load_trust(path)

    assert trust.rpc == ("https://a.example/key", "https://b.example")
    assert trust.domain.registry == address(1)


def test_every_contract_has_a_place() -> None:
    assert set(CONTRACTS) <= {field.name for field in dataclasses.fields(Trust)}


def test_the_documented_example_is_a_trust_file() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "trust-file.md"
    [example] = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)

    trust = parse_trust(example)

    assert len(trust.rpc) == 2
    assert trust.accounts["ana"].address == "0x" + "8" * 40
    assert parse_trust(render_trust(trust)) == trust
