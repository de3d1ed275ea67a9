"""`[previewer]` of the trust file: what may be listed, what never may, and what is then allowed."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pulumi_mandate.chain.previewing import Peer, Previewer, parse_previewer, render_previewer

RPC = ("http://127.0.0.1:8545", "https://node.example/key")


def test_an_empty_table_closes_everything_and_requires_it() -> None:
    found = parse_previewer({}, RPC)
    assert found == Previewer()
    assert found.required
    assert found.egress == ()
    assert not found.allows("s3.amazonaws.com", 443)


def test_what_is_written_is_read_back() -> None:
    table: dict[str, Any] = {
        "required": False,
        "user": "previewer",
        "egress": ["api.pulumi.com:443", "*.s3.eu-central-1.amazonaws.com:443", "127.0.0.1:4566"],
        "pass": ["IMAGE_TAG"],
        "hide": ["/srv/keys"],
        "memory_mib": 1,
        "disk_mib": 2,
        "processes": 3,
        "seconds": 4,
    }
    found = parse_previewer(table, RPC)
    assert found.egress[0] == Peer("api.pulumi.com", 443)
    assert [peer.here for peer in found.egress] == [False, False, True]
    assert found.variables == ("IMAGE_TAG",)
    text = "\n".join(render_previewer(found))
    assert tomllib.loads(text)["previewer"] == table
    assert parse_previewer(tomllib.loads(text)["previewer"], RPC) == found


@pytest.mark.parametrize(
    ("host", "port", "allowed"),
    [
        ("api.pulumi.com", 443, True),
        ("API.Pulumi.com.", 443, True),
        ("api.pulumi.com", 80, False),
        ("api.pulumi.com.evil.example", 443, False),
        ("bucket.s3.amazonaws.com", 443, True),
        ("amazonaws.com", 443, False),
        # A wildcard may cover them, and they are refused all the same.
        ("kms.eu-central-1.amazonaws.com", 443, False),
        ("KMS.eu-central-1.amazonaws.com", 443, False),
        ("169.254.169.254", 80, False),
    ],
)
def test_a_preview_reaches_what_is_listed_and_nothing_else(
    host: str, port: int, allowed: bool
) -> None:
    found = parse_previewer({"egress": ["api.pulumi.com:443", "*.amazonaws.com:443"]}, RPC)
    assert found.allows(host, port) is allowed


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"network": "open"}, "`network`, which means nothing here"),
        ({"egress": ["api.pulumi.com"]}, "no host:port"),
        ({"egress": ["*:443"]}, "no host:port"),
        ({"egress": ["a.example:0"]}, "no host:port"),
        ({"egress": ["a.example:70000"]}, "no host:port"),
        ({"egress": ["kms.eu-central-1.amazonaws.com:443"]}, "keys sign there"),
        ({"egress": ["169.254.169.254:80"]}, "roles are given"),
        ({"egress": ["localhost:8545"]}, "the chain is asked there"),
        ({"egress": ["node.example:443"]}, "the chain is asked there"),
        ({"egress": ["*.example:443"]}, "the chain is asked there"),
        ({"egress": "api.pulumi.com:443"}, "list of plain texts"),
        ({"hide": ["keys"]}, "absolute paths"),
        ({"hide": ['/a"b']}, "list of plain texts"),
        ({"pass": ["MANDATE_HOME"]}, "cannot name MANDATE_HOME"),
        ({"pass": ["A=B"]}, "cannot name A=B"),
        ({"required": "yes"}, "true or false"),
        ({"user": 3}, "a name"),
        ({"seconds": 0}, "above zero"),
        ({"processes": True}, "above zero"),
    ],
)
def test_anything_else_is_malformed(table: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        parse_previewer(table, RPC)
