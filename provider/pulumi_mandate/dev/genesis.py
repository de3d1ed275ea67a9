"""Genesis of the development chain: the executor's key, the contracts, the trust file.

The contracts are deployed by `pulumi up` of `stacks/governance`, as they are in production; only
the delays are shorter, so that a person can wait for them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.chain.previewing import Peer, Previewer
from pulumi_mandate.chain.trust import CONTRACTS, Governors, Key, Trust, load_trust, render_trust
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import MandateError, MissingContract, UsageError
from pulumi_mandate.gate.environment import UNGOVERNED
from pulumi_mandate.gate.previewer import probe
from pulumi_mandate.governance.registry import NO_CAP
from pulumi_mandate.models import Address, Digest, Subject, keccak, subject_hash, to_hex

from .engine import Engine
from .home import DevHome, write_private
from .people import holders
from .subjects import BACKEND_ID, commitment_key

STACK = "dev"
ENFORCE = 2
"""The contract's `Mode.ENFORCE`."""
COUNCIL = ("bo", "chi", "dee")
"""Who approves in an emergency. Elsewhere these are others than those who vote."""
DEV_VOTES: Mapping[str, Mapping[str, int]] = {
    "lowVote": {"voting_delay": 30, "voting_period": 120},
    "standardVote": {"voting_delay": 60, "voting_period": 300, "late_quorum_extension": 60},
    "criticalVote": {"voting_delay": 60, "voting_period": 600, "late_quorum_extension": 60},
}
DEV_DELAYS: Mapping[str, int] = {
    "lowDelay": 30,
    "mediumDelay": 60,
    "highDelay": 300,
    "criticalDelay": 300,
}
"""Both in seconds. Days in production; `mandate dev advance` passes them without waiting."""

DEV_TERMS: Mapping[str, int] = {"kinds": 0xFF}
"""Of the high and the critical tier: one person at a keyboard need not play four."""
NOBODY = "0x" + "00" * 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ground:
    """What runs before genesis."""

    home: DevHome
    rpc: str
    chain_id: int
    cloud: str
    """Endpoint, KMS excepted."""
    kms: str
    """Endpoint."""
    keys: Mapping[str, Key]


def standing_trust(home: DevHome, rpc: str, kms: str) -> Trust | None:
    """The trust file of an earlier genesis, if chain and KMS still hold what it names.

    Raises `ChainError` where the chain does not answer.
    """
    if not home.trust.exists():
        return None
    trust = load_trust(home.trust)
    if trust.rpc != (rpc,):
        return None  # the chain was begun anew, and somewhere else
    if trust.executor is None or not trust.executor.uri.endswith(f"endpoint={kms}"):
        return None  # written when cloud and KMS had one port
    client = ChainClient(trust)
    try:
        sealed = client.call("registry", "isSealed")
    except MissingContract:
        return None
    return trust if sealed else None


def perform_genesis(ground: Ground, subjects: Sequence[Subject], progress: Progress) -> Trust:
    """Deploy what is not there yet and write the trust file; an interrupted genesis goes on.

    Raises `EngineError`, `SignerError`, `ChainError`, `UsageError`.
    """
    progress("executor key in the KMS")
    executor = executor_key(ground.kms)
    progress("contracts: pulumi up of stacks/governance")
    engine = _engine(ground)
    _write_program(ground, subjects, executor, engine.folder)
    again = _salt(engine.folder / f"Pulumi.{STACK}.yaml") != {}
    remove_torn_notes(ground.home.governance / "backend")
    engine.run("stack", "select", "--create", STACK)
    if again:
        # Nobody else uses this stack: a lock can only be left over from a genesis that was killed.
        engine.run("cancel", "--yes", STACK)
    # A chain that was begun anew has lost what the state remembers: then look before deploying.
    engine.run("up", "--yes", "--skip-preview", *(["--refresh"] if again else []))
    trust = _trust(ground, executor, engine.outputs())
    ChainClient(trust).check()
    trust, remark = isolated(trust, ground.cloud)
    write_private(ground.home.trust, render_trust(trust) + remark)
    return trust


def isolated(trust: Trust, cloud: str) -> tuple[Trust, str]:
    """With previews in a cell that reach the cloud, and neither its KMS nor the chain.

    Where this machine gives no cell: as it was, and a line for the file that says why.
    """
    egress = (Peer("127.0.0.1", urlsplit(cloud).port or 0),)
    # Worth nothing, and without any a provider that looks at the cloud asks nobody.
    emulated = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    wanted = replace(trust, previewer=Previewer(egress=egress, variables=emulated))
    isolation = probe(wanted)
    return (wanted, "") if isolation.closed else (trust, f"\n# {isolation.sentence()}\n")


def remove_torn_notes(backend: Path) -> None:
    """Delete the empty `.attrs` files that a killed engine leaves beside a state that is whole.

    The engine writes such a note (a checksum) in place; an empty one makes every later command end
    with "failed to load checkpoint: EOF". Without it the state is read.
    """
    for note in backend.rglob("*.attrs"):
        if note.stat().st_size == 0:
            note.unlink()


def executor_key(kms: str) -> Key:
    """The key that signs orders: made inside the emulated KMS, which never gives it away."""
    from pulumi_mandate.signing import enrol

    from .kms import create_executor_key

    return Key(*enrol(create_executor_key(kms)))


def settings(ground: Ground, subjects: Sequence[Subject], executor: Key) -> dict[str, Any]:
    """The configuration of `stacks/governance` for this chain."""
    keys = ground.keys
    return {
        "deployer": keys["deployer"].address,
        "guardian": keys["gus"].address,
        "holders": holders(keys),
        "executors": [executor.address],
        "council": {"members": [keys[name].address for name in COUNCIL], "threshold": 2},
        "high": DEV_TERMS,
        "critical": DEV_TERMS,
        "subjects": [
            subject_config(ground.home, keys, subject).as_setting(subject) for subject in subjects
        ],
        **DEV_VOTES,
        **DEV_DELAYS,
    }


@dataclass(frozen=True, slots=True)
class SubjectTerms:
    """What a subject's plans are judged by, and who may bring and run them."""

    rules: Digest
    secret_key_id: Digest
    backend: Digest
    proposers: tuple[Address, ...]
    attestors: tuple[Address, ...]
    runners: tuple[Address, ...]

    def as_argument(self) -> dict[str, Any]:
        """The contract's struct, mode `enforce`."""
        return {
            "rulesDigest": self.rules,
            "mode": ENFORCE,
            "secretKeyId": self.secret_key_id,
            "backend": self.backend,
            "proposers": list(self.proposers),
            "attestors": list(self.attestors),
            "runners": list(self.runners),
            "financeCosigner": NOBODY,
            "costCap": NO_CAP,
        }

    def as_setting(self, subject: Subject) -> dict[str, Any]:
        """What `stacks/governance` takes."""
        return {
            "name": f"{subject.project}-{subject.stack}".lower(),
            "hash": to_hex(subject_hash(subject)),
            "rules_digest": to_hex(self.rules),
            "mode": ENFORCE,
            "secret_key_id": to_hex(self.secret_key_id),
            "backend": to_hex(self.backend),
            "proposers": list(self.proposers),
            "attestors": list(self.attestors),
            "runners": list(self.runners),
        }


def subject_config(home: DevHome, keys: Mapping[str, Key], subject: Subject) -> SubjectTerms:
    """The default rules, ana proposes, chi and dee attest, rae runs; nothing costs too much."""
    return SubjectTerms(
        rules=Rules.load().digest,
        secret_key_id=commitment_key(home, subject).id,
        backend=keccak(subject.backend.encode()),
        proposers=(keys["ana"].address,),
        attestors=(keys["chi"].address, keys["dee"].address),
        runners=(keys["rae"].address,),
    )


def _engine(ground: Ground) -> Engine:
    folder, deployer = ground.home.governance, ground.keys["deployer"]
    (folder / "backend").mkdir(mode=0o700, exist_ok=True)
    variables = {
        # Nothing can give a mandate before the contracts are there.
        UNGOVERNED: "yes",
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(ground.home.passphrase),
        "MANDATE_DEPLOY_RPC": ground.rpc,
        "MANDATE_DEPLOY_CHAIN_ID": str(ground.chain_id),
        "MANDATE_DEPLOY_KEY": deployer.uri,
        "MANDATE_DEPLOY_ADDRESS": deployer.address,
    }
    return Engine(folder / "program", variables, folder / "pulumi.log")


def _write_program(
    ground: Ground, subjects: Sequence[Subject], executor: Key, folder: Path
) -> None:
    """A copy of the stack, so that neither checkout nor installed package is written to."""
    kept = folder / f"Pulumi.{STACK}.yaml"
    salt = _salt(kept)
    shutil.copytree(_source(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__*__"))
    shutil.copy(_source() / "__main__.py", folder)
    chosen = settings(ground, subjects, executor)
    config = {
        f"mandate-governance:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in chosen.items()
    }
    # JSON is YAML; Pulumi rewrites the file in its own way.
    write_private(kept, json.dumps(salt | {"config": config}))


def _salt(file: Path) -> dict[str, str]:
    """What Pulumi keeps in the file besides the configuration; without it no secret is readable."""
    import yaml

    name = "encryptionsalt"
    kept = yaml.safe_load(file.read_text()) if file.exists() else {}
    return {name: str(kept[name])} if kept and name in kept else {}


def _source() -> Path:
    """In a wheel beside this package, in a checkout below its top."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_stacks" / "governance", package.parents[1] / "stacks/governance"):
        if (candidate / "Pulumi.yaml").is_file():
            return candidate
    raise UsageError(
        "the governance stack is not installed with this package",
        next_step="reinstall pulumi-mandate, or work in a checkout",
    )


def _trust(ground: Ground, executor: Key, outputs: Mapping[str, Any]) -> Trust:
    governors = [f"{name}_governor" for name in Governors._fields]
    missing = [name for name in (*CONTRACTS, *governors) if not outputs.get(name)]
    if missing:
        raise MandateError(f"the governance stack gave no {missing[0]}")
    home, keys = ground.home, ground.keys
    return Trust(
        chain_id=ground.chain_id,
        rpc=(ground.rpc,),
        **{name: Address(outputs[name]) for name in CONTRACTS},
        governors=Governors(*(Address(outputs[name]) for name in governors)),
        previewer=None,
        deployed_block=int(outputs["deployed_block"]),
        development=True,
        store_uri=f"file://{home.store}",
        executor=executor,
        runner=keys["rae"],
        accounts=dict(keys),
        backend_ids={f"file://{home.backend}": BACKEND_ID},
    )
