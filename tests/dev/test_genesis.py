"""`mandate dev` from an empty folder to sealed contracts, on the real engine, chain and KMS."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_mandate.audit.roles import check_roles
from pulumi_mandate.chain import ChainClient, load_trust
from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.dev import genesis, supervisor
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.dev.engine import Engine
from pulumi_mandate.dev.enrol import enrol_subject
from pulumi_mandate.dev.genesis import Ground, perform_genesis, settings, standing_trust
from pulumi_mandate.dev.home import DevHome
from pulumi_mandate.dev.people import TOKEN, keys_of_people
from pulumi_mandate.dev.stacks import init_stack
from pulumi_mandate.dev.subjects import DEMO, commitment_key
from pulumi_mandate.errors import EngineError, MandateError, UsageError
from pulumi_mandate.governance import Registry
from pulumi_mandate.governance.wiring import HOLDINGS
from pulumi_mandate.models import Subject, keccak, subject_hash

ROOT = Path(__file__).resolve().parents[2]
ROLES = {"admin": 0, "medium": 1, "high": 2, "critical": 3, "guardian": 4, "registry": 5}
ROLES |= {"low": 6, "council": 7, "emergency": 8, "auditor": 9, "log": 10}
pytestmark = [pytest.mark.engine, pytest.mark.chain]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[supervisor.Running]:
    """One genesis for all tests of this file that only look at it."""
    home = tmp_path_factory.mktemp("dev") / "home"
    try:
        yield supervisor.start(home)
    finally:
        supervisor.stop(home)


@pytest.fixture
def client(running) -> ChainClient:
    return ChainClient(load_trust(running.trust_file))


def test_the_registry_is_sealed_and_nobody_administers(client):
    trust = client.trust
    deployer = trust.accounts["deployer"].address

    assert client.call("registry", "isSealed") is True
    for role in ROLES.values():
        assert client.call("access_manager", "hasRole", role, deployer) == (False, 0)
    logs = client.logs("access_manager", "RoleGranted")
    holders = {(log.arguments["roleId"], log.arguments["account"]) for log in logs}
    assert holders == {
        (ROLES["admin"], deployer),
        (ROLES["critical"], deployer),
        (ROLES["registry"], trust.registry),
        (ROLES["log"], trust.attestations),
        (ROLES["council"], trust.council),
        (ROLES["emergency"], trust.emergency_gate),
        (ROLES["auditor"], trust.accounts["gus"].address),
        (ROLES["low"], trust.governors.low),
        (ROLES["medium"], trust.governors.standard),
        (ROLES["high"], trust.governors.critical),
        (ROLES["critical"], trust.governors.critical),
        (ROLES["guardian"], trust.accounts["gus"].address),
    }


def test_no_role_event_says_more_than_the_wiring(client):
    assert check_roles(client) == len(HOLDINGS)


GOVERNORS = {"low": "low", "medium": "standard", "high": "critical", "critical": "critical"}


def test_each_governor_waits_its_tier_s_delay_and_the_guardian_may_cancel(client):
    governors = client.trust.governors._asdict()

    for role, name in GOVERNORS.items():
        for other, address in governors.items():
            held = client.call("access_manager", "hasRole", ROLES[role], address)
            delay = genesis.DEV_DELAYS[f"{role}Delay"]
            assert held == ((True, delay) if other == name else (False, 0))
        guardian = client.call("access_manager", "getRoleGuardian", ROLES[role])
        assert guardian == ROLES["guardian"]


def test_each_governor_has_its_own_rules(client):
    rules = {"low": (5, 0, 0, 3), "standard": (0, 0, 0, 0), "critical": (0, 60, 20, 0)}
    names = ("vetoPercent", "approvalPercent", "maxVotePercent", "maxOpenPerProposer")

    for name, expected in rules.items():
        governor, times = f"{name}_governor", genesis.DEV_VOTES[f"{name}Vote"]
        assert tuple(client.call(governor, one) for one in names) == expected
        assert client.call(governor, "votingDelay") == times["voting_delay"]
        assert client.call(governor, "votingPeriod") == times["voting_period"]


def test_the_emergency_gate_counts_the_council_s_seats(client):
    trust = client.trust
    members = [bytes.fromhex(trust.accounts[name].address[2:]) for name in genesis.COUNCIL]

    assert client.call("emergency_gate", "council") == trust.council
    assert client.call("emergency_gate", "governor") == trust.governors.critical
    assert client.call("emergency_gate", "onUntil") > client.now()
    assert client.call("council", "getSignerCount") == len(members)
    assert all(client.call("council", "isSigner", member) for member in members)


def test_the_demo_subject_and_the_executor_are_enrolled(running, client):
    trust = client.trust
    config = Registry(client).subject_config(subject_hash(DEMO))

    assert config.version == 1
    assert config.rules == Rules.load().digest
    assert config.secret_key_id == commitment_key(running.home, DEMO).id
    assert config.backend == keccak(DEMO.backend.encode())
    assert config.proposers == (trust.accounts["ana"].address,)
    assert config.runners == (trust.runner.address,)
    assert trust.runner == trust.accounts["rae"]
    assert Registry(client).executor(trust.executor.address) == (True, 1)
    assert trust.executor.address not in {key.address for key in trust.accounts.values()}


def test_the_electorate_holds_its_tokens_and_its_votes(client):
    for name, tokens in (("bo", 400_000), ("chi", 350_000), ("dee", 250_000)):
        address = client.trust.accounts[name].address
        assert client.call("token", "balanceOf", address) == tokens * TOKEN
        assert client.call("token", "getVotes", address) == tokens * TOKEN
    assert client.call("token", "totalSupply") == 1_000_000 * TOKEN


def test_the_contracts_are_the_packages_own(client):
    from pulumi_mandate.chain.rpc import Endpoint

    names = {
        "registry": "PlanRegistry",
        "low_governor": "MandateGovernor",
        "standard_governor": "MandateGovernor",
        "critical_governor": "MandateGovernor",
        "token": "MandateToken",
    }
    for word, name in names.items():
        address = getattr(client.trust, word)
        code = Endpoint(client.trust.rpc[0]).call("eth_getCode", address, "latest")
        assert artifact(name).is_runtime(bytes.fromhex(code[2:]))


def test_the_stack_itself_finds_nothing_left_to_do(running):
    ground = ground_of(running)

    genesis._engine(ground).run("preview", "--refresh", "--expect-no-changes", "--stack", "dev")


def test_another_stack_is_enrolled_by_a_vote(running, client):
    other = Subject("dev", "organization", "shop", "staging")

    assert enrol_subject(running, other) == 1

    config = Registry(client).subject_config(subject_hash(other))
    assert config.rules == Rules.load().digest
    assert config.secret_key_id == commitment_key(running.home, other).id
    assert config.proposers == (client.trust.accounts["ana"].address,)


def test_a_second_start_finds_everything_and_deploys_nothing(running):
    log = running.home.governance / "pulumi.log"
    before, trust = log.read_text(), running.trust_file.read_text()

    again = supervisor.start(running.home.root)

    assert again == running
    assert supervisor.status(running.home.root) == running
    assert log.read_text() == before
    assert running.trust_file.read_text() == trust


def test_the_clock_moves_forward_and_never_back(running, client):
    before = client.now()

    assert supervisor.advance(3600, running.home.root) >= before + 3600
    assert client.now() >= before + 3600
    with pytest.raises(UsageError, match="forward"):
        supervisor.advance(0, running.home.root)


def test_the_command_answers_in_json_and_with_exit_codes(running, capsys, tmp_path):
    home, nobody = str(running.home.root), str(tmp_path / "nobody")

    assert supervisor.main(["status", "--home", home]) == 0
    assert json.loads(capsys.readouterr().out)["rpc"] == running.rpc
    assert supervisor.main(["start", "--home", home]) == 0
    assert json.loads(capsys.readouterr().out)["environment"] == dict(running.environment)
    assert supervisor.main(["advance", "5", "--home", home]) == 0
    assert json.loads(capsys.readouterr().out)["chainTime"] > 0
    assert supervisor.main(["status", "--home", nobody]) == 0
    assert json.loads(capsys.readouterr().out) == {"running": False}
    assert supervisor.main(["stop", "--home", nobody]) == 0
    assert supervisor.main(["advance", "0", "--home", home]) == UsageError.exit_code
    assert "forward" in capsys.readouterr().err


def test_a_busy_port_is_said_and_not_talked_to(tmp_path):
    home = DevHome(tmp_path / "home")
    home.prepare()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        home.remember({"cloud": stranger.getsockname()[1]})
        try:
            with pytest.raises(MandateError, match=r"did not start: .* busy"):
                supervisor.start(home.root)
        finally:
            supervisor.stop(home.root)


def test_the_environment_leads_every_tool_here(running):
    environment = running.environment

    assert load_trust(Path(environment["MANDATE_TRUST"])).backend_ids == {
        environment["PULUMI_BACKEND_URL"]: "dev"
    }
    assert environment["AWS_ENDPOINT_URL"] == running.cloud
    secrets = (running.home.root / "passphrase").read_text()
    assert secrets not in json.dumps(dict(environment))


def test_stop_and_start_lose_nothing(tmp_path):
    home = tmp_path / "home"
    try:
        first = supervisor.start(home)
        trust = first.trust_file.read_text()
        (home / "cloud" / "kms").stat()

        assert supervisor.stop(home) is True
        assert supervisor.status(home) is None
        assert supervisor.stop(home) is False

        assert supervisor.start(home) == first
        assert first.trust_file.read_text() == trust
        key = genesis.executor_key(first.kms)
        assert key == load_trust(first.trust_file).executor

        # A chain that was begun anew has no contracts: they are deployed again.
        supervisor.stop(home)
        (home / "chain" / "journal.sqlite").unlink()
        again = supervisor.start(home)
        assert standing_trust(again.home, again.rpc, again.kms) is not None
        assert standing_trust(again.home, again.rpc, again.cloud) is None
    finally:
        supervisor.stop(home)


def test_a_genesis_that_was_killed_goes_on(tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pulumi_mandate.dev.supervisor", "start", "--home", str(home)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        while b"EvmCall" not in state_of(home):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        # The engine and its plugins share the session; chain and cloud have their own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (home / "trust.toml").exists()

        running = supervisor.start(home)

        assert ChainClient(load_trust(running.trust_file)).call("registry", "isSealed") is True
    finally:
        supervisor.stop(home)


def test_a_missing_tool_is_named_before_anything_starts(tmp_path, monkeypatch):
    from pulumi_mandate.dev import engine

    monkeypatch.setattr(engine, "search_path", lambda _: str(tmp_path))
    with pytest.raises(UsageError, match="pulumi-language-python") as refused:
        supervisor.start(tmp_path / "home")
    assert "make toolchain" in refused.value.next_step
    monkeypatch.undo()

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: (name != "moto" and found(name)) or None
    )
    with pytest.raises(UsageError, match="moto is not installed"):
        supervisor.start(tmp_path / "home")

    assert not (tmp_path / "home").exists()


def test_a_failing_genesis_shows_the_engines_own_words(running, monkeypatch, tmp_path):
    home = DevHome(tmp_path / "home")
    home.prepare()
    ground = ground_of(running)
    broken = replace(ground, home=home, chain_id=ground.chain_id + 1, keys=keys_of_people(home))

    with pytest.raises(EngineError) as failed:
        perform_genesis(broken, [DEMO], lambda _: None)

    assert "does not serve chain" in (home.governance / "pulumi.log").read_text()
    assert not home.trust.exists()
    assert failed.value.exit_code == 6


def test_no_secret_reaches_the_configuration_or_the_log(running):
    ground = ground_of(running)
    written = json.dumps(settings(ground, [DEMO], genesis.executor_key(running.kms)))
    log = (running.home.governance / "pulumi.log").read_text()
    keys = [path.read_text() for path in running.home.keys.glob("*.pass")]
    keys += [running.home.passphrase.read_text(), commitment_key(running.home, DEMO).secret.hex()]

    for secret in keys:
        assert secret not in written
        assert secret not in log


def test_the_shop_is_previewed_by_anybody_and_run_by_nobody_yet(running, tmp_path):
    folder = tmp_path / "01-shop"
    shutil.copytree(ROOT / "examples" / "01-shop", folder)

    subject = init_stack(running, folder, secrets={"storeToken": "s3cr3t"})
    engine = Engine(folder, running.environment, tmp_path / "log")

    assert subject == DEMO
    assert len(planned(engine)) == 7  # the stack, three components, three resources
    with pytest.raises(EngineError, match="up failed") as refused:
        engine.run("up", "--yes", "--skip-preview", "--stack", "prod")
    assert "refused at step" in refused.value.meaning
    assert "s3cr3t" not in (tmp_path / "log").read_text()


def test_the_reference_stack_previews_from_the_top_of_the_checkout(running, tmp_path):
    folder = tmp_path / "checkout"
    (folder / "stacks").mkdir(parents=True)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    shutil.copy(ROOT / "stacks" / "__main__.py", folder / "stacks")

    init_stack(running, folder, "dev")
    operations = planned(Engine(folder, running.environment, tmp_path / "log"), "dev")

    assert {"models", "serving-0", "store-17", "store-18"} <= {name for name, _ in operations}


def planned(engine: Engine, stack: str = "prod") -> list[tuple[str, str]]:
    """Name and operation of every step, default providers counted as the engine's own."""
    told = json.loads(engine.run("preview", "--json", "--stack", stack))
    return [(step["urn"].split("::")[-1], step["op"]) for step in told["steps"]]


def ground_of(running: supervisor.Running) -> Ground:
    keys = keys_of_people(running.home)
    return Ground(running.home, running.rpc, running.chain_id, running.cloud, running.kms, keys)


def state_of(home: Path) -> bytes:
    files = (home / "governance" / "backend").glob(".pulumi/stacks/*/dev.json")
    return b"".join(file.read_bytes() for file in files)


def test_a_service_of_another_folder_is_not_ours(running, tmp_path):
    assert ChainService(tmp_path / "elsewhere").facts() is None
    assert supervisor.status(tmp_path / "elsewhere") is None
    assert supervisor.stop(tmp_path / "elsewhere") is False
