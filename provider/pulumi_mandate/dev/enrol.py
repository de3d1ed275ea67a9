"""Another stack on a development chain that is sealed already: by a vote, as everywhere.

The people's keys are all here, so one command can play all of them; nothing is bypassed.
"""

from __future__ import annotations

from pulumi_mandate.chain import ChainClient, load_trust
from pulumi_mandate.chain.trust import Key, Trust
from pulumi_mandate.governance import Governor, Registry
from pulumi_mandate.governance.values import Support
from pulumi_mandate.models import Subject, subject_hash
from pulumi_mandate.signing import AccountKey, open_signer

from .genesis import DEV_DELAYS, DEV_VOTES, subject_config
from .supervisor import Running, advance

_MARGIN = 5
"""Seconds past each boundary."""


def enrol_subject(running: Running, subject: Subject) -> int:
    """Propose, vote, wait and execute `configureSubject`; returns the config's version.

    The chain's clock moves forward by the delays. Raises `ContractRefused`, `ChainError`,
    `SignerError`.
    """
    client = ChainClient(load_trust(running.trust_file))
    governor, keys = Governor(client), client.trust.accounts
    proposal = governor.propose_call(
        "configureSubject",
        subject_hash(subject),
        subject_config(running.home, keys, subject).as_argument(),
        description=f"Enrol {subject}\n\nIts plans are judged by the default rules.",
        account=_account(client.trust, keys["ana"]),
    )
    vote = DEV_VOTES["criticalVote"]
    _wait(running, vote["voting_delay"])
    for voter in ("bo", "chi", "dee"):
        governor.vote(proposal.number, Support.FOR, _account(client.trust, keys[voter]))
    _wait(running, vote["voting_period"] + vote["late_quorum_extension"])
    governor.queue(proposal.number, _account(client.trust, keys["rae"]))
    _wait(running, DEV_DELAYS["criticalDelay"])
    governor.execute(proposal.number, _account(client.trust, keys["rae"]))
    return Registry(client).subject_config(subject_hash(subject)).version


def _account(trust: Trust, key: Key) -> AccountKey:
    executor = trust.executor.address if trust.executor else None
    return AccountKey(open_signer(key.uri, key.address), executor=executor)


def _wait(running: Running, seconds: int) -> None:
    advance(seconds + _MARGIN, running.home.root)
