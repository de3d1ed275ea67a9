"""Ballots that are signed off chain and carried by somebody else: checked, then sent in batches.

A ballot is one small JSON file. Whoever collects checks it as the chain would, and says at once
what is wrong with it, because its voter may still be there to sign another:

(1) place     of this chain, for a governor of the trust file, about a proposal that is still open
(2) voter     an account that signs by itself, holds votes, and has not voted
(3) signature of the voter, over this choice, under his current nonce at that governor

The relay contract casts each; one that the governor refuses does not stop the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.chain import Account, ChainClient, Receipt
from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.values import Contract
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance.proposals import GOVERNORS, Governor
from pulumi_mandate.governance.refusals import ProposalState, explained
from pulumi_mandate.governance.values import Created, Support
from pulumi_mandate.models import Address, Ballot, ballot_digest, checksum
from pulumi_mandate.signing import VoterKey, recover

BATCH = 25
"""Ballots in one transaction: some 1.8 million gas, far under any block."""
_DELEGATED = "0xef0100"
"""What the code of an account begins with that has delegated itself (EIP-7702)."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class SignedBallot:
    """One voter's word on one proposal."""

    ballot: Ballot
    signature: bytes

    def text(self) -> str:
        """The file's content; `read_ballot` reads it back to an equal value."""
        said = self.ballot
        content = {
            "version": _VERSION,
            "chainId": said.chain_id,
            "governor": said.governor,
            "proposal": hex(said.proposal),
            "support": Support(said.support).name.lower(),
            "voter": said.voter,
            "nonce": said.nonce,
            "signature": "0x" + self.signature.hex(),
        }
        return json.dumps(content, indent=1) + "\n"


def read_ballot(text: str) -> SignedBallot:
    """Raises `UsageError` for anything that is not a ballot."""
    try:
        content: Any = json.loads(text)
        if content.pop("version") != _VERSION:
            raise ValueError("its version is unknown")
        ballot = Ballot(
            chain_id=int(content.pop("chainId")),
            governor=checksum(content.pop("governor")),
            proposal=int(content.pop("proposal"), 16),
            support=Support[content.pop("support").upper()],
            voter=checksum(content.pop("voter")),
            nonce=int(content.pop("nonce")),
        )
        signature = bytes.fromhex(content.pop("signature").removeprefix("0x"))
        if content:
            raise ValueError(f"it holds {min(content)!r}, which means nothing here")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"this is no ballot: {error}", next_step="make one: mandate ballots sign PROPOSAL for"
        ) from error
    return SignedBallot(ballot, signature)


class Ballots:
    """Signing, checking and sending, on one chain."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client
        self._governor = Governor(client)

    def sign(self, reference: int, support: Support, key: VoterKey) -> SignedBallot:
        """A ballot for the proposal that all endpoints show. Raises as `Governor.agreed` does."""
        made, trust = self._governor.agreed(reference), self._client.trust
        nonce = self._nonce(made, key.address)
        place = getattr(trust, made.governor)
        ballot = Ballot(trust.chain_id, place, made.id, int(support), key.address, nonce)
        signed = SignedBallot(ballot, key.sign_ballot(ballot))
        self.check(signed)
        return signed

    def check(self, signed: SignedBallot) -> Created:
        """(1) to (3). Returns the proposal. Raises `Refused` with what its voter can do."""
        ballot = signed.ballot
        made = self._require_open(ballot)
        self._require_plain_account(ballot.voter, made)
        self._require_vote(ballot, made)
        nonce = self._nonce(made, ballot.voter)
        if ballot.nonce != nonce:
            raise Refused(
                0,
                f"the ballot of {ballot.voter} has nonce {ballot.nonce} and not {nonce}",
                meaning="another ballot of this voter's was counted meanwhile",
                next_step=f"sign it anew: mandate ballots sign {made.number} …",
            )
        self._require_signature(signed)
        return made

    def relay(self, ballots: Sequence[SignedBallot], account: Account) -> list[Receipt]:
        """Cast them, a batch of one proposal at a time; `refused` reads what was not counted."""
        receipts = []
        for governor, proposal in sorted(
            {(one.ballot.governor, one.ballot.proposal) for one in ballots}
        ):
            its = [
                {
                    "support": one.ballot.support,
                    "voter": one.ballot.voter,
                    "signature": one.signature,
                }
                for one in ballots
                if (one.ballot.governor, one.ballot.proposal) == (governor, proposal)
            ]
            for start in range(0, len(its), BATCH):
                batch = governor, proposal, its[start : start + BATCH]
                with explained():
                    receipts.append(self._client.transact(account, "ballot_relay", "relay", *batch))
        return receipts

    def refused(self, receipts: Sequence[Receipt]) -> list[tuple[Address, str]]:
        """Of a relay: whose ballots were not counted, and the first four bytes of the error."""
        relay = self._client.contract("ballot_relay")
        return [
            (event.arguments["voter"], "0x" + event.arguments["reason"].hex())
            for receipt in receipts
            for event in receipt.events(relay)
            if event.name == "BallotRefused"
        ]

    # -- inside -----------------------------------------------------------------------------

    def _require_signature(self, signed: SignedBallot) -> None:
        voter = signed.ballot.voter
        found = recover(ballot_digest(signed.ballot), signed.signature)
        if found.lower() != voter.lower():
            raise Refused(
                0,
                f"the ballot is not signed by {voter}",
                meaning="it was changed after it was signed, or somebody else signed it",
                next_step="ask its voter for the file again",
                field="signer",
                expected=voter,
                found=found,
            )

    def _require_open(self, ballot: Ballot) -> Created:
        trust = self._client.trust
        places = {getattr(trust, name): name for name in GOVERNORS.values()}
        name = places.get(ballot.governor)
        if ballot.chain_id != trust.chain_id or name is None:
            raise Refused(
                0,
                "the ballot is for another chain or another governor",
                next_step="sign it on a machine with this trust file: `mandate trust show`",
                field="governor",
                expected=f"chain {trust.chain_id}, one of {', '.join(sorted(places))}",
                found=f"chain {ballot.chain_id}, {ballot.governor}",
            )
        made = self._governor.created(ballot.proposal)
        state = self._governor.proposal(made).state
        if made.governor != name or state not in (ProposalState.PENDING, ProposalState.ACTIVE):
            raise Refused(
                0,
                f"proposal {made.number} takes no ballots any more: it is {state.name.lower()}",
                next_step=f"mandate status {made.number}",
            )
        return made

    def _require_plain_account(self, voter: Address, made: Created) -> None:
        account = Contract(f"account {voter}", voter, Abi([]))
        code = self._client.code(account, self._client.newest_block())
        if not code:
            return
        if ("0x" + code.hex()).startswith(_DELEGATED):
            kind = "an account with code of its own (EIP-7702)"
            instead = f"vote directly, from the account itself: mandate vote {made.number} …"
        else:
            kind = "a contract"
            instead = f"let it call castVote({made.id}, …) of {made.governor} itself"
        raise Refused(
            0,
            f"{voter} is {kind}",
            meaning="A governor asks such an account's code about a signature (ERC-1271) and takes "
            "none of its key's, so a ballot signed off chain may not be counted.",
            next_step=instead,
        )

    def _require_vote(self, ballot: Ballot, made: Created) -> None:
        if self._client.call(made.governor, "hasVoted", made.id, ballot.voter):
            raise Refused(
                0,
                f"{ballot.voter} has voted on proposal {made.number} already",
                next_step="a vote cannot be changed",
            )
        if self._governor.weight(ballot.voter, made.id) == 0:
            raise Refused(
                0,
                f"{ballot.voter} has no votes on proposal {made.number}",
                meaning="he held none, or had given them to somebody else, when voting began",
                next_step="leave the ballot out: it would change nothing",
            )

    def _nonce(self, made: Created, voter: Address) -> int:
        return int(self._client.call(made.governor, "nonces(address)", voter))
