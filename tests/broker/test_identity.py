"""Who the broker is was voted on, or it gives nothing: real contracts and documents, no engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pulumi_mandate.broker.certificates import root
from pulumi_mandate.broker.events import Events
from pulumi_mandate.broker.identity import (
    FRESH_SECONDS,
    Identity,
    Standing,
    check_agreed,
    require_same,
    running_with,
    voted_on,
    word_of,
)
from pulumi_mandate.broker.service import Broker
from pulumi_mandate.broker.settings import Settings, load_settings
from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.errors import ChainError, EndpointsDisagree, MandateError, Refused, UsageError
from pulumi_mandate.gate.machine import Machine
from pulumi_mandate.governance import Registry
from pulumi_mandate.governance.council import Council
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import (
    ZERO,
    Address,
    Digest,
    ExecutionOrder,
    MandateState,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Subject,
    Tier,
    keccak,
    to_hex,
)
from pulumi_mandate.resources.broker_identity import BrokerIdentityInputs
from pulumi_mandate.resources.governed import IDENTITY
from pulumi_mandate.signing._broker import as_json
from pulumi_mandate.svid import SpiffeId, server_context
from tests.broker.stage import (
    CONTROLLER,
    DOMAIN,
    ELSEWHERE,
    PLATFORM,
    SUBJECT,
    Stage,
    asking,
    bucket,
    carried_out,
    documented,
    new_authority,
    says,
)
from tests.chain.lying import LyingEndpoint
from tests.gate.cases import RUN
from tests.governance.cases import (
    an_order,
    an_outcome,
    approve,
    begin,
    council_says,
    hash_of,
    signed,
)

OTHER_DIGEST = "e" * 64


def measured(settings: Settings) -> Identity:
    return running_with(settings, server_context(settings.files))


def standing(stage: Stage, who: Identity | None = None, **changes: Any) -> Standing:
    found = who or measured(stage.settings)
    subject: Subject = changes.pop("subject", PLATFORM)
    machine: Machine = changes.pop("machine", stage.machine)
    return Standing(machine, subject, lambda: found, **changes)


@contextmanager
def broker(settings: Settings, stage: Stage, folder: Path) -> Iterator[Broker]:
    events = Events(folder / "events.jsonl")
    try:
        yield Broker(settings, stage.machine, events)
    finally:
        events.close()


def a_renewal(stage: Stage) -> dict[str, Any]:
    """A question that a broker in good standing answers: the run is final, and the controller's."""
    now = stage.deployment.client.now()
    return {"kind": "renewal", "message": as_json(Renewal(RUN, now + 3600, 1, now + 600))}


def another_authority(stage: Stage, folder: Path) -> Settings:
    """The same file; who made the certificates is somebody else, as one person could have it."""
    key = ec.generate_private_key(ec.SECP256R1())
    theirs = new_authority(key, root(key, DOMAIN), folder / "theirs")  # type: ignore[arg-type]
    return replace(stage.settings, files=theirs.files(stage.settings.id))


def edited(stage: Stage, folder: Path) -> Settings:
    """A file that lets a person's shell run what a controller ran."""
    config = folder / "broker.toml"
    config.touch(mode=0o600)
    text = (stage.settings.trust.parent / "broker.toml").read_text()
    config.write_text(text.replace('kind = "shell"', 'kind = "controller"'))
    return load_settings(config)


def another_key(stage: Stage, folder: Path) -> Settings:
    return replace(stage.settings, files=stage.authority.files(stage.settings.id))


def another_id(stage: Stage, folder: Path) -> Settings:
    return replace(stage.settings, id=SpiffeId(DOMAIN, "/broker-2"))


@pytest.mark.chain
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("authority", another_authority),
        ("settings", edited),
        ("key", another_key),
        ("broker", another_id),
    ],
)
def test_what_nobody_voted_on_gives_nothing(
    stage: Stage, tmp_path: Path, field: str, change: Any
) -> None:
    settings = change(stage, tmp_path)
    voted, found = (getattr(measured(one), field) for one in (stage.settings, settings))
    with broker(settings, stage, tmp_path) as changed:
        for path, question in (
            ("/v1/credentials", asking("aws")),
            ("/v1/credentials", asking("aws", ELSEWHERE)),
            ("/v1/sign", a_renewal(stage)),
        ):
            with pytest.raises(Refused, match="not the one that plan") as caught:
                changed.answer(CONTROLLER, path, question)
            told = caught.value
            assert (told.field, told.expected, told.found) == (field, voted, found)
        assert f"{field} is {found}" in changed.standing()
        assert f"signs for {PLATFORM} only" in changed.standing()
    assert "not the one that plan" in (tmp_path / "events.jsonl").read_text()


@pytest.mark.chain
def test_the_one_that_was_voted_on_serves(stage: Stage, tmp_path: Path) -> None:
    with broker(stage.settings, stage, tmp_path) as same:
        assert same.standing() == f"plans of {PLATFORM} say that this is the broker"
        assert same.answer(CONTROLLER, "/v1/sign", a_renewal(stage))["signature"]
        assert same.answer(CONTROLLER, "/v1/credentials", asking("aws"))["access"] == "write"


@pytest.mark.chain
@pytest.mark.parametrize("subject", [SUBJECT, ELSEWHERE])
def test_another_stack_has_no_word_in_it(stage: Stage, subject: Subject) -> None:
    """Of one a plan is running, of the other there never was any."""
    with pytest.raises(Refused, match=f"no completed plan of {subject}"):
        standing(stage, subject=subject).require()


@pytest.mark.chain
def test_a_completion_that_is_not_final_is_none(stage: Stage) -> None:
    log = stage.deployment.client.logs("registry", "Completed")[-1]
    stage.holding.number = log.block_number - 1
    try:
        with pytest.raises(Refused, match="no completed plan"):
            standing(stage).require()
        stage.holding.number = log.block_number
        standing(stage).require()
    finally:
        stage.holding.number = None


@pytest.mark.chain
def test_a_store_with_other_bytes_or_none_is_not_believed(stage: Stage) -> None:
    """The plan hash binds the document: one that says what one likes is another plan's."""
    plan, _ = voted_on(stage.machine, PLATFORM)
    store = stage.machine.store
    link = store._links / plan.hex()  # type: ignore[attr-defined]
    honest = link.read_text()
    rogue = replace(measured(stage.settings), authority=OTHER_DIGEST)
    theirs = documented(stage.deployment, says(rogue), subject=asdict(PLATFORM))
    try:
        link.write_text(to_hex(store.put(theirs.data)))
        with pytest.raises(Refused, match="does not have the document") as caught:
            standing(stage, rogue).require()
        assert caught.value.expected == to_hex(plan)
        link.unlink()
        with pytest.raises(Refused, match="does not have the document"):
            standing(stage).require()
    finally:
        link.write_text(honest)
    standing(stage).require()


@pytest.mark.chain
def test_where_endpoints_disagree_nobody_is_served(stage: Stage, tmp_path: Path) -> None:
    rpc = stage.machine.trust.rpc[0]

    def hides(method: str, params: list[Any], honest: dict[str, Any]) -> Any:
        return {**honest, "result": []} if method == "eth_getLogs" else honest

    for lie, error in ((hides, EndpointsDisagree), (lambda *_: 503, ChainError)):
        with LyingEndpoint(rpc, lie) as second:
            trust = replace(stage.machine.trust, rpc=(rpc, second.url))
            client = ChainClient(trust)
            machine = replace(stage.machine, trust=trust, client=client, registry=Registry(client))
            with pytest.raises(error):
                standing(stage, machine=machine).require()


@pytest.mark.chain
def test_the_chain_is_asked_again_before_long(stage: Stage) -> None:
    plan, _ = voted_on(stage.machine, PLATFORM)
    link = stage.machine.store._links / plan.hex()  # type: ignore[attr-defined]
    honest, now = link.read_text(), [1000.0]
    one = standing(stage, clock=lambda: now[0])
    one.require()
    link.unlink()
    try:
        now[0] += FRESH_SECONDS - 1
        one.require()
        now[0] += 1
        for _ in range(2):  # a refusal is not remembered as a yes
            with pytest.raises(Refused, match="does not have the document"):
                one.require()
    finally:
        link.write_text(honest)
    one.require()


@pytest.mark.chain
def test_a_rotation_counts_from_the_end_of_its_run(own_stage: Stage, tmp_path: Path) -> None:
    """The life of a rotation; each step asks for the former broker and for the new one."""
    settings = another_authority(own_stage, tmp_path)
    two = Two(own_stage, measured(own_stage.settings), measured(settings))
    assert two.verdicts() == FORMER

    _a_run_that_fails(two)
    carried_out(two.stage, bucket())  # of the same stack, and no word about the broker
    assert two.verdicts() == FORMER

    _a_run_that_the_new_one_signs(two, settings, tmp_path)
    assert two.verdicts() == ("this broker is ", "")

    for said in (
        {"cosigned": False, "operation": says(two.old)},
        {"cosigned": True, "operation": says(two.old, tier=int(Tier.MEDIUM))},
    ):
        carried_out(two.stage, said["operation"], cosigned=bool(said["cosigned"]))
        assert two.verdicts() == ("too few agreed ",) * 2
    carried_out(
        two.stage, says(two.new, op="delete", before={"inputs": {}}, after=None, id="broker")
    )
    assert two.verdicts() == ("plan 0x",) * 2  # taken out: nobody is the broker


FORMER = ("", "this broker is ")


@dataclass(frozen=True)
class Two:
    """The broker that was voted on first, and the one that is to follow."""

    stage: Stage
    old: Identity
    new: Identity

    def verdicts(self) -> tuple[str, str]:
        """How each is refused; empty where it may serve."""
        return self._verdict(self.old), self._verdict(self.new)

    def _verdict(self, who: Identity) -> str:
        try:
            standing(self.stage, who).require()
        except MandateError as error:
            told = error.happened
            return told[:7] if told.startswith("plan 0x") else told[:15]
        return ""

    def approved(self) -> Plan:
        """A plan of the new one, voted on and cosigned."""
        deployment, store = self.stage.deployment, self.stage.machine.store
        document = documented(deployment, says(self.new), subject=asdict(PLATFORM))
        plan, found = document.fields(), hash_of(deployment, document.fields())
        store.link(found, store.put(document.data))
        approve(deployment, plan)
        council_says(deployment, Council(deployment.client).cosigning(found))
        return plan


def _a_run_that_fails(two: Two) -> None:
    """Approved, running, failed: at no time it counts."""
    deployment = two.stage.deployment
    plan = two.approved()
    assert two.verdicts() == FORMER
    order = begin(deployment, plan)
    assert two.verdicts() == FORMER
    outcome = an_outcome(order, OutcomeKind.FAILED)
    Registry(deployment.client).close(
        order.plan_hash, outcome, signed(deployment, outcome), deployment.people["runner"]
    )
    assert two.verdicts() == FORMER


def _a_run_that_the_new_one_signs(two: Two, settings: Settings, folder: Path) -> None:
    """It signs for the stack that says who it is, for nothing else, and gives nothing for it."""
    deployment, plan = two.stage.deployment, two.approved()
    order, registry = an_order(deployment, plan), Registry(deployment.client)
    runner = deployment.people["runner"]
    foreign = Outcome(RUN, OutcomeKind.FAILED, keccak(b"r"), keccak(b"p"), 1)
    with broker(settings, two.stage, folder) as unknown:

        def sign(kind: str, message: ExecutionOrder | Outcome) -> bytes:
            question = {"kind": kind, "message": as_json(message)}
            answer = unknown.answer(CONTROLLER, "/v1/sign", question)
            return bytes.fromhex(answer["signature"][2:])

        registry.begin(plan, order, sign("order", order), runner)
        for subject in (PLATFORM, SUBJECT):
            with pytest.raises(Refused, match="not the one that plan"):
                unknown.answer(CONTROLLER, "/v1/credentials", asking("aws", subject))
        with pytest.raises(Refused, match="not the one that plan"):
            sign("outcome", foreign)
        outcome = an_outcome(order, OutcomeKind.COMPLETED)
        registry.close(order.plan_hash, outcome, sign("outcome", outcome), runner)

        assert unknown.standing() == f"plans of {PLATFORM} say that this is the broker"
        assert len(sign("outcome", foreign)) == 65


PLAN = Digest(keccak(b"plan"))
WHO = Identity("spiffe://acme.example/broker", "a" * 64, "b" * 64, "c" * 64)


@pytest.mark.parametrize("field", [field.name for field in fields(Identity)])
def test_every_member_counts(field: str) -> None:
    require_same(WHO, WHO, PLAN)
    with pytest.raises(Refused) as caught:
        require_same(replace(WHO, **{field: OTHER_DIGEST}), WHO, PLAN)
    assert (caught.value.field, caught.value.found) == (field, OTHER_DIGEST)


@pytest.mark.parametrize(
    "operations",
    [
        [says(WHO), says(WHO)],
        [says(WHO, op="replace"), says(WHO, op="delete-replaced", after=None)],
        [says(WHO, op="import")],
        [says(WHO, op="abandon", after=None)],
        [says(WHO, after={"inputs": {**asdict(WHO), "key": {"mandate:v1": "unknown"}}})],
        [says(WHO, after={"inputs": {**asdict(WHO), "key": None}})],
        [says(WHO, after={"inputs": {"mandate:v1": "escaped", "entries": []}})],
    ],
    ids=["two", "replaced", "imported", "abandoned", "unknown", "missing", "escaped"],
)
def test_an_unclear_word_is_none(operations: list[Any]) -> None:
    with pytest.raises(Refused, match="does not say in plain words"):
        word_of(PLAN, operations)


def test_a_clear_word_is_read_whoever_made_the_resource() -> None:
    before = {"inputs": asdict(replace(WHO, authority=OTHER_DIGEST))}
    updated = says(WHO, op="update", before=before, id="broker")

    assert word_of(PLAN, [bucket(), updated]) == WHO
    assert word_of(PLAN, [says(WHO, op="metadata", before=before)]) is None


@pytest.mark.parametrize(
    ("tier", "cosigned", "enough"),
    [
        (Tier.LOW, True, False),
        (Tier.MEDIUM, True, False),
        (Tier.HIGH, False, False),
        (Tier.HIGH, True, True),
        (Tier.CRITICAL, False, False),
        (Tier.CRITICAL, True, True),
        (Tier.EMERGENCY, False, True),
    ],
)
def test_more_than_one_party_agreed(tier: Tier, cosigned: bool, enough: bool) -> None:
    somebody = Address("0x" + "11" * 20)
    mandate = Mandate(PLAN, MandateState.UNCONFIRMED, tier, 0, 0, 0, 0, 0, somebody, 1, ZERO)
    agreed = replace(mandate, cosigner=somebody if cosigned else None)
    if enough:
        check_agreed(agreed)
        return
    with pytest.raises(Refused, match="too few agreed"):
        check_agreed(agreed)


def test_the_resource_says_exactly_what_the_broker_reads() -> None:
    assert set(BrokerIdentityInputs.model_fields) - {IDENTITY} == {
        field.name for field in fields(Identity)
    }


@pytest.mark.chain
def test_one_authority_is_believed_and_no_second_in_the_same_file(
    stage: Stage, tmp_path: Path
) -> None:
    """TLS believes every certificate of the file; a fingerprint is of one."""
    theirs = another_authority(stage, tmp_path).files.authority
    both = tmp_path / "both.pem"
    both.write_bytes(stage.settings.files.authority.read_bytes() + theirs.read_bytes())
    settings = replace(stage.settings, files=replace(stage.settings.files, authority=both))

    with pytest.raises(UsageError, match="something else than one certificate"):
        measured(settings)


@pytest.mark.chain
def test_a_certificate_that_is_none_has_no_key(stage: Stage, tmp_path: Path) -> None:
    context = server_context(stage.settings.files)
    files = replace(stage.settings.files, certificate=tmp_path / "absent.pem")

    with pytest.raises(UsageError, match="cannot be read"):
        running_with(replace(stage.settings, files=files), context)
