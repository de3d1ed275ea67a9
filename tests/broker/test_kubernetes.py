"""A run's token, against an API server that is a stand-in and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_mandate.broker.kubernetes import read_token, write_token
from pulumi_mandate.broker.settings import KubernetesAccounts
from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import to_hex
from tests.broker.stage import SUBJECT
from tests.broker.test_aws import PLAN, RUN_ID, run_of
from tests.plugins.kubernetes_api import KubernetesApi

SECRET = f"mandate-run-{to_hex(RUN_ID)[2:34]}"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[KubernetesApi]:
    with KubernetesApi(tmp_path, "the broker's own") as made:
        yield made


@pytest.fixture
def accounts(api: KubernetesApi, tmp_path: Path) -> KubernetesAccounts:
    token = tmp_path / "token"
    token.write_text("the broker's own\n")
    return KubernetesAccounts(
        api.url, api.ca, token, "shop", "mandate-write", "mandate-read", ("https://cluster",)
    )


def test_a_runs_token_is_bound_to_the_run(api: KubernetesApi, accounts: KubernetesAccounts) -> None:
    given = write_token(accounts, run_of())
    asked = api.requests[-1]

    assert asked["path"].endswith("/namespaces/shop/serviceaccounts/mandate-write/token")
    assert asked["body"]["spec"] == {
        "expirationSeconds": 3000,
        "boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": SECRET, "uid": "uid-0"},
        "audiences": ["https://cluster"],
    }
    assert api.secrets[SECRET]["metadata"]["annotations"] == {
        "pulumi-mandate/plan": to_hex(PLAN),
        "pulumi-mandate/run": to_hex(RUN_ID),
    }
    assert given.answer["token"] == "a.very.secret"
    assert "a.very.secret" not in str(given.facts)


def test_a_second_token_of_a_run_has_the_same_bond(
    api: KubernetesApi, accounts: KubernetesAccounts
) -> None:
    write_token(accounts, run_of())
    write_token(accounts, run_of(seconds=9000))

    assert len(api.secrets) == 1
    assert api.requests[-1]["body"]["spec"]["expirationSeconds"] == 3600


def test_a_secret_of_that_name_that_is_not_the_runs_is_not_used(
    api: KubernetesApi, accounts: KubernetesAccounts
) -> None:
    api.secrets[SECRET] = {"metadata": {"name": SECRET, "uid": "theirs", "annotations": {}}}

    with pytest.raises(MandateError, match="did not make the secret"):
        write_token(accounts, run_of())


def test_a_token_is_never_longer_than_the_lease(accounts: KubernetesAccounts) -> None:
    with pytest.raises(Refused, match="ends sooner"):
        write_token(accounts, run_of(seconds=599))


def test_before_a_run_there_is_the_reading_account_or_none(
    api: KubernetesApi, accounts: KubernetesAccounts
) -> None:
    given = read_token(accounts, SUBJECT, "nothing runs")

    assert given.answer["access"] == "read"
    assert api.requests[-1]["path"].endswith("/serviceaccounts/mandate-read/token")
    with pytest.raises(Refused, match="nothing runs"):
        read_token(replace(accounts, read=""), SUBJECT, "nothing runs")


def test_the_clusters_no_and_its_silence_give_nothing(
    api: KubernetesApi, accounts: KubernetesAccounts, tmp_path: Path
) -> None:
    api.down = 403
    with pytest.raises(MandateError, match="HTTP status 403"):
        read_token(accounts, SUBJECT, "")
    api.down = 0
    accounts.token.write_text("another's")
    with pytest.raises(MandateError, match="HTTP status 401"):
        read_token(accounts, SUBJECT, "")
    with pytest.raises(MandateError, match="cannot be asked"):
        read_token(replace(accounts, server="https://127.0.0.1:1"), SUBJECT, "")
    stranger = tmp_path / "other"
    stranger.mkdir()
    with KubernetesApi(stranger, "x") as theirs, pytest.raises(MandateError, match="SSLError"):
        read_token(replace(accounts, server=theirs.url), SUBJECT, "")
