"""A release of the contracts: what it is made of, who signed it, and whether a chain runs it.

The manifest says with which compiler and settings every contract was made, from which sources, and
what its interface, its creation code and its code on a chain are. `contracts/tools/export --check`
compiles a checkout and compares, so nobody has to believe it; the signature says which of all
manifests is a release.

(1) form       the schema `mandate/contracts/v1`, every part of its type
(2) package    the interfaces and the creation code of this package are the manifest's
(3) signature  low-s, over this manifest, by the releaser that was asked for
(4) chain      the code at every address of the trust file is the manifest's, on every endpoint
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..chain import ChainClient
from ..chain.artifacts import NAMES, artifact, manifest_bytes
from ..errors import InvalidDocument, Refused, SignerError
from ..models import Address, Digest, digest, keccak, release_digest, to_hex
from ..plan.canonical import canonical_bytes, parse
from ..signing import recover

SCHEMA = "mandate/contracts/v1"
SIGNED_SCHEMA = "mandate/contracts-signature/v1"
REPLACEABLE = frozenset({"token"})
"""Any token with votes may be the electorate; everything else is ours or nothing."""
_SIGNED_PARTS = frozenset({"schema", "manifest", "releaser", "signature"})


@dataclass(frozen=True, slots=True)
class Made:
    """One contract of a release."""

    source: str
    """File that defines it, below `contracts/`."""
    sources: Digest
    """Of every file it is compiled from, imported ones too."""
    abi: Digest
    """Of the interface in canonical JSON."""
    bytecode: Digest
    """Of the creation code, without constructor arguments."""
    runtime: Digest
    """Of the code on a chain, its immutables zero."""


@dataclass(frozen=True, slots=True)
class Release:
    """A manifest as it was read."""

    digest: Digest
    """Keccak of the manifest's bytes: what is signed."""
    version: str
    compiler: str
    """Version and settings, as one line."""
    openzeppelin: str
    contracts: Mapping[str, Made]


def load_release(data: bytes) -> Release:
    """(1). Raises `InvalidDocument`."""
    try:
        content = json.loads(data)
        if content["schema"] != SCHEMA:
            raise ValueError
        made = content["compiler"]
        optimizer = made["optimizer"]
        runs = f"{int(optimizer['runs'])} optimizer runs" if optimizer["enabled"] else "unoptimised"
        return Release(
            digest=keccak(data),
            version=str(content["version"]),
            compiler=f"solc {made['version']}, {made['evmVersion']}, {runs}",
            openzeppelin=str(content["openzeppelin"]),
            contracts={str(name): _made(entry) for name, entry in content["contracts"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidDocument(f"the manifest is not of the schema {SCHEMA}") from error


def _made(entry: Mapping[str, Any]) -> Made:
    return Made(
        source=str(entry["source"]),
        sources=digest(entry["sourceDigest"]),
        abi=digest(entry["abiDigest"]),
        bytecode=digest(entry["bytecodeHash"]),
        runtime=digest(entry["deployedBytecodeHash"]),
    )


def own_release() -> Release:
    """(1) and (2) for this package. Raises `UsageError`, `InvalidDocument`, `Refused`."""
    release = load_release(manifest_bytes())
    for name, made in release.contracts.items():
        found = artifact(name)  # refuses other creation code by itself
        if keccak(canonical_bytes(list(found.abi.entries))) != made.abi:
            raise Refused(
                0,
                f"this package's interface of {name} is not the one of its release manifest",
                meaning="Calls would be encoded for another contract than the one that was built.",
                next_step="reinstall pulumi-mandate; in a checkout: `make contracts`",
            )
    return release


@dataclass(frozen=True, slots=True)
class SignedRelease:
    """Who says that a manifest is a release."""

    manifest: Digest
    releaser: Address
    signature: bytes

    @property
    def data(self) -> bytes:
        """Canonical bytes, for a file."""
        return canonical_bytes(
            {
                "schema": SIGNED_SCHEMA,
                "manifest": to_hex(self.manifest),
                "releaser": self.releaser,
                "signature": to_hex(self.signature),
            }
        )

    @classmethod
    def load(cls, data: bytes) -> SignedRelease:
        """Raises `InvalidDocument`."""
        content = parse(data)
        if not isinstance(content, dict) or set(content) != _SIGNED_PARTS:
            raise InvalidDocument(f"the signature is not of the schema {SIGNED_SCHEMA}")
        try:
            if content["schema"] != SIGNED_SCHEMA:
                raise ValueError
            return cls(
                digest(content["manifest"]),
                Address(content["releaser"]),
                bytes.fromhex(content["signature"].removeprefix("0x")),
            )
        except (ValueError, TypeError, AttributeError):
            raise InvalidDocument(f"the signature is not of the schema {SIGNED_SCHEMA}") from None


def check_signature(signed: SignedRelease, release: Release, releaser: Address) -> None:
    """(3). `releaser` is whom the reader believes; the file's own word for it counts nothing.

    Raises `Refused`.
    """
    if signed.manifest != release.digest:
        found, here = to_hex(signed.manifest), to_hex(release.digest)
        raise _unsigned(f"the signature is over manifest {found}, here is {here}")
    try:
        signer = recover(release_digest(signed.manifest), signed.signature)
    except (SignerError, ValueError):
        signer = None
    if signer is None or signer.lower() != releaser.lower():
        raise _unsigned(f"the signature is not {releaser}'s but {signer or 'nobody'}'s")


def check_code(client: ChainClient, release: Release) -> list[str]:
    """(4) at the newest block that every endpoint has. Returns the words of replaced contracts.

    Raises `Refused`, `EndpointsDisagree`.
    """
    block = client.newest_block()
    other = [
        word
        for word, name in NAMES.items()
        if not artifact(name).is_runtime(client.code(word, block))
    ]
    foreign = [word for word in other if word not in REPLACEABLE]
    if foreign:
        places = ", ".join(f"{word} at {getattr(client.trust, word)}" for word in foreign)
        raise Refused(
            0,
            f"the code on chain is not that of release {release.version}: {places}",
            meaning="Another contract lives there, or one of another release; what it does is not "
            "what was read, tested and proved.",
            next_step="install the release that was deployed, or correct [contracts] in the trust "
            "file",
        )
    return other


def _unsigned(happened: str) -> Refused:
    return Refused(
        0,
        happened,
        meaning="Nothing says that this build of the contracts is a release.",
        next_step="get the signature with the package, and the releaser's address from elsewhere",
    )
