"""One chain, one authority on one token, one broker: for all tests of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from pulumi_mandate.broker.certificates import root
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.dev.kms import EMULATOR_CREDENTIALS
from pulumi_mandate.errors import Refused
from pulumi_mandate.models import ZERO, keccak
from pulumi_mandate.signing.authority import AuthorityKey
from tests.broker.stage import (
    ACCOUNT,
    CLUSTER_TOKEN,
    CONTROLLER,
    DOMAIN,
    OTHER,
    PLATFORM,
    SHELL,
    Authority,
    Holding,
    Stage,
    make_stage,
    new_authority,
    open_door,
)
from tests.chain.genesis import Terms, deploy
from tests.chain.lying import LyingEndpoint
from tests.gate.cases import KEY, RULES, SUBJECT
from tests.plugins.hsm_fixtures import Token
from tests.plugins.kubernetes_api import KubernetesApi

P256 = "1.2.840.10045.3.1.7"
FRESH_SECONDS = 1800
"""Of the hour that a lease and a certificate have; a slow test takes minutes."""


@pytest.fixture(scope="session")
def authority_uri(token: Token) -> str:
    return token.uri(token.new_key("authority", P256))


@pytest.fixture(scope="session")
def authority(authority_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Its key is on the token, and its certificates are made as in production."""
    key = AuthorityKey(authority_uri)
    return new_authority(key, root(key, DOMAIN), tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def sts() -> Iterator[str]:
    """The address of a moto server, whose STS gives credentials and keeps what it was asked."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


AWS = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture(autouse=True)
def cloud(sts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's own AWS identity."""
    _set_aws(monkeypatch, sts)


@contextmanager
def _running(folder: Path, authority: Authority, sts: str) -> Iterator[Stage]:
    service = ChainService(folder / "chain")
    rpc = service.start()
    try:
        terms = Terms(rules=RULES.digest, subject=SUBJECT, secret_key_id=KEY.id, others=(PLATFORM,))
        deployment, holding = deploy(service, terms), Holding()
        cluster = KubernetesApi(folder, CLUSTER_TOKEN)
        with cluster, LyingEndpoint(rpc, holding) as endpoint:
            made = make_stage(folder, deployment, authority, (endpoint.url, cluster.url), holding)
            with open_door(made):
                with pytest.MonkeyPatch.context() as patch:
                    _set_aws(patch, sts)
                    _begin(made)
                yield made
    finally:
        service.stop()


@pytest.fixture(scope="session")
def stages(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory, sts: str
) -> Iterator[Callable[[], Stage]]:
    """The stage of a worker, and another one where its run's lease could end within a test: the
    tests of this folder may come an hour apart."""
    newest: list[tuple[Stage, float]] = []

    def current() -> Stage:
        if not newest or time.monotonic() - newest[-1][1] > FRESH_SECONDS:
            folder = tmp_path_factory.mktemp("broker")
            made = opened.enter_context(_running(folder, authority, sts))
            newest.append((made, time.monotonic()))
        return newest[-1][0]

    with ExitStack() as opened:
        yield current


@pytest.fixture
def stage(stages: Callable[[], Stage]) -> Stage:
    """A run that is final, for tests that leave it so. `seen` has what was given before it was."""
    return stages()


@pytest.fixture
def own_stage(authority: Authority, tmp_path: Path, sts: str) -> Iterator[Stage]:
    """The same for one test alone."""
    with _running(tmp_path, authority, sts) as made:
        yield made


def _begin(stage: Stage) -> None:
    _ask(stage, "approved")
    _try_wrong_orders(stage)
    order = stage.order()
    signature = stage.executor().sign_order(stage.deployment.domain, order)
    stage.holding.number = stage.deployment.client.final_block().number
    stage.begin(order, signature)
    _ask(stage, "not final")
    stage.holding.number = None
    _ask(stage, "final")


def _ask(stage: Stage, when: str) -> None:
    """Keep what is given and the role behind it: any other test may reset this process's moto."""
    stage.seen[when] = given = stage.credentials()
    roles = sts_backends[ACCOUNT]["aws"].assumed_roles
    (stage.roles[when],) = (one for one in roles if one.access_key_id == given["accessKeyId"])


def _try_wrong_orders(stage: Stage) -> None:
    """While the mandate stands and is unspent: only then do these differ in one thing."""
    later = stage.deployment.client.now() + 40_000
    for name, identity, changes in (
        ("a shell", SHELL, {}),
        ("another stack's runner", OTHER, {}),
        ("another account", CONTROLLER, {"runner": stage.deployment.people["stranger"].address}),
        ("another epoch", CONTROLLER, {"key_epoch": 2}),
        ("a long lease", CONTROLLER, {"lease_until": later}),
        ("a late deadline", CONTROLLER, {"deadline": later}),
        ("no run", CONTROLLER, {"run_id": ZERO}),
        ("an unknown plan", CONTROLLER, {"plan_hash": keccak(b"unknown")}),
    ):
        order = stage.order(**changes)
        with pytest.raises(Refused) as caught:
            stage.executor(identity).sign_order(stage.deployment.domain, order)
        stage.refused[name] = caught.value.happened


def _set_aws(patch: pytest.MonkeyPatch, sts: str) -> None:
    keys = (
        EMULATOR_CREDENTIALS["aws_access_key_id"],
        EMULATOR_CREDENTIALS["aws_secret_access_key"],
    )
    for name, value in zip(AWS, (sts, *keys), strict=True):
        patch.setenv(name, value)
