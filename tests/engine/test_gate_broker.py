"""A governed run on a machine that holds neither the executor's key nor a credential of the cloud.

Engine, chain, contracts, broker process, mutual TLS and the authority's token are real; moto stands
in for AWS, behind a door that notes which access key signed each request. docs/reference/broker.md
is what is typed here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.broker.certificates import root
from pulumi_mandate.broker.identity import Identity, running_with, voted_on
from pulumi_mandate.broker.settings import load_settings
from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.chain.trust import Key
from pulumi_mandate.dev.cloud import cloud_environment
from pulumi_mandate.governance.council import Council
from pulumi_mandate.models import MandateState, Tier, to_hex
from pulumi_mandate.signing.authority import AuthorityKey
from pulumi_mandate.svid import server_context
from tests.broker.stage import (
    ACCOUNT,
    BROKER,
    CONTROLLER,
    DOMAIN,
    READ,
    WRITE,
    Authority,
    new_authority,
)
from tests.governance.cases import council_says
from tests.plugins.cloud_front import CloudFront, cloud_front
from tests.plugins.gate_fixtures import SUBJECT, Governed, write_trust
from tests.plugins.hsm_fixtures import Token
from tests.resources.aws.conftest import cloud, moto_server  # noqa: F401  # fixtures

pytestmark = [pytest.mark.engine, pytest.mark.chain]

P256 = "1.2.840.10045.3.1.7"
PROGRAM = """
import pulumi
import pulumi_mandate

pulumi_mandate.govern()

pulumi_mandate.BrokerIdentity("broker", **{who!r})
"""
BUCKET = 'pulumi_mandate.S3Bucket("logs", bucket="brokered-logs")\n'
PROFILE = f"""
[profile shop]
credential_process = mandate credentials aws {SUBJECT} --backend {SUBJECT.backend}
"""


@pytest.fixture
def previewer() -> Previewer:
    """Previews of the runner's machine are in a cell, from which no broker is reached."""
    return Previewer(required=False)


@dataclass
class BrokerProcess:
    """`mandate broker serve`, on a machine (a folder) of its own, and what it wrote down."""

    home: Path
    environment: Mapping[str, str] = field(repr=False)
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        self.process = subprocess.Popen(
            ["mandate", "broker", "serve", "--config", str(self.home / "broker.toml")],
            env=dict(self.environment),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        assert f"{BROKER} listens on 127.0.0.1:" in said, said + self.process.stderr.read()
        self.port = int(said.rpartition(":")[2])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=30)
            self.process = None

    def identity(self) -> dict[str, str]:
        """What the program has to say of it, as the command prints it."""
        settings = load_settings(self.home / "broker.toml")
        return dataclasses.asdict(running_with(settings, server_context(settings.files)))

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of one kind, in order."""
        log = self.home / "log" / "events.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]


@pytest.fixture
def authority(token: Token, tmp_path: Path) -> Authority:
    key = AuthorityKey(token.uri(token.new_key("authority-of-a-run", P256)))
    return new_authority(key, root(key, DOMAIN), tmp_path / "authority")


@pytest.fixture
def front(cloud: str) -> Iterator[CloudFront]:  # noqa: F811
    with cloud_front(cloud) as found:
        yield found


@pytest.fixture
def broker(governed: Governed, authority: Authority, front: CloudFront) -> Iterator[BrokerProcess]:
    """The executor's key moves to the broker's machine; the runner's has a certificate."""
    home = governed.folder.parent / "broker"
    home.mkdir(mode=0o700)
    runners = Path(governed.environment["MANDATE_TRUST"])
    trust = governed.machine.trust
    for name in ("executor.json", "passphrase"):
        shutil.copy2(runners.with_name(name), home)
    runners.with_name("executor.json").unlink()
    assert trust.executor is not None
    assert trust.runner is not None
    key = f"keystore://{home / 'executor.json'}?passphrase-file={home / 'passphrase'}"
    executor = Key(key, trust.executor.address)
    write_trust(home / "trust.toml", dataclasses.replace(trust, executor=executor, previewer=None))
    write_config(home, authority, trust.runner.address)
    made = BrokerProcess(home, os.environ | cloud_environment(front.endpoint) | path_of(governed))
    made.start()
    client = authority.client_file(CONTROLLER, made.port)
    behind = Key(f"broker://{client}", trust.executor.address)
    write_trust(runners, dataclasses.replace(trust, executor=behind))
    give_profile(governed, client, front)
    yield made
    made.stop()


def path_of(governed: Governed) -> dict[str, str]:
    return {"PATH": governed.environment["PATH"]}


def write_config(home: Path, authority: Authority, runner: str) -> None:
    files = authority.files(BROKER)
    (home / "broker.toml").touch(mode=0o600)
    (home / "broker.toml").write_text(
        f"""
version = 1
trust = "{home / "trust.toml"}"
log = "{home / "log" / "events.jsonl"}"

[tls]
id = "{BROKER}"
listen = "127.0.0.1:0"
authority = "{files.authority}"
certificate = "{files.certificate}"
key = "{files.key}"

[identity]
backend = "{SUBJECT.backend}"
name = "{SUBJECT}"

[runners."{CONTROLLER}"]
address = "{runner}"
kind = "controller"

[[subjects]]
backend = "{SUBJECT.backend}"
name = "{SUBJECT}"
runners = ["{CONTROLLER}"]

[subjects.aws]
region = "us-east-1"
write_role = "{WRITE}"
read_role = "{READ}"
"""
    )


def give_profile(governed: Governed, client: Path, front: CloudFront) -> None:
    """What the runner's shell has: a profile that asks the broker, and no credential."""
    environment = governed.environment
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    config = Path(environment["HOME"], ".aws", "config")
    config.parent.mkdir()
    config.write_text(PROFILE)
    environment |= {
        "AWS_PROFILE": "shop",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": front.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MANDATE_BROKER": str(client),
    }


def session_of(access_key_id: str) -> Any:
    """The role that a real call of STS was for, as moto keeps it."""
    from moto.sts.models import sts_backends

    roles = sts_backends[ACCOUNT]["aws"].assumed_roles
    return next(one for one in roles if one.access_key_id == access_key_id)


def test_the_broker_signs_and_gives_for_a_mandate_and_for_nothing_else(
    governed: Governed, broker: BrokerProcess, front: CloudFront
) -> None:
    who = broker.identity()
    governed.program(PROGRAM.format(who=who))
    ask = ["mandate", "credentials", "aws", str(SUBJECT), "--backend", SUBJECT.backend]

    # Nobody has voted on anything: nothing is signed, and not even reading is given.
    assert "refused at step 3: there is no mandate" in governed.up(ok=False)
    assert "says who the broker is" in governed.run_command(ask).stderr
    assert (broker.events("signed"), front.calls) == ([], [])

    # A plan says who it is, voters and the council agree: it signs for that run, and is the one.
    document = governed.plan()
    assert document.tier is Tier.HIGH
    first = governed.approve(document)
    council_says(governed.deployment, Council(governed.deployment.client).cosigning(first))
    governed.up()
    assert governed.result()["status"] == "completed"
    assert voted_on(governed.machine, SUBJECT) == (first, Identity(**who))
    assert [one["plan"] for one in broker.events("signed")[:1]] == [to_hex(first)]

    # Now what can be had is good for reading.
    governed.program(PROGRAM.format(who=who) + BUCKET)
    asked = governed.run_command(ask)
    assert "the broker gives read" in asked.stderr
    assert session_of(json.loads(asked.stdout)["AccessKeyId"]).role_arn == READ
    assert front.calls == ["AssumeRole"]
    assert [one["access"] for one in broker.events("credentials")] == ["read"]

    # Approved: the same command, on the same machine.
    plan = governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED

    # Its log: the order, then credentials for that run, then the outcome.
    *_, order, outcome = broker.events("signed")
    assert (order["kind"], order["plan"]) == ("order", to_hex(plan))
    assert (outcome["kind"], outcome["run"]) == ("outcome", order["run"])
    given = [one for one in broker.events("credentials") if one["access"] == "write"]
    assert {(one["plan"], one["run"]) for one in given} == {(order["plan"], order["run"])}

    # The cloud's log: every change was signed in a session of that plan and that run.
    changes = [(call, key) for call, key in front.signed if call.startswith("PUT ")]
    assert ("PUT /brokered-logs", given[0]["accessKeyId"]) in changes
    for _, key in changes:
        session = session_of(key)
        assert session.role_arn == WRITE
        assert session.session_name == f"mandate-{order['plan'][2:30]}-{order['run'][2:29]}"
        assert "arn:aws:s3:::brokered-logs" in session.policy
