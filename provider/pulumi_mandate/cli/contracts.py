"""`mandate contracts`: what the contracts are made of, who released them, what the chain runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..models import Address, to_hex
from ._command import Call, TeachingGroup, command
from ._output import Answer

if TYPE_CHECKING:
    from ..audit.release import Release


@click.group(
    "contracts",
    cls=TeachingGroup,
    short_help="What the contracts are, and whether the chain runs them.",
    examples=("mandate contracts manifest", "mandate contracts check"),
)
def contracts() -> None:
    """The release of the contracts that this package holds.

    Its manifest names compiler, settings, sources, interfaces and code. In a checkout,
    `contracts/tools/export --check` compiles the sources again and compares.
    """


@command(
    "manifest",
    "Print the release manifest and its digest.",
    examples=("mandate contracts manifest", "mandate contracts manifest --json"),
)
def manifest(call: Call) -> Answer:
    """Print what this package's contracts are made of. Asks no chain."""
    from ..audit.release import own_release

    release = own_release()
    return Answer(_described(release), _rendered(release))


@command(
    "check",
    "Compare the chain's code with the release.",
    examples=(
        "mandate contracts check",
        "mandate contracts check --signature release.json --releaser $RELEASER",
    ),
)
@click.option(
    "--signature",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A release's signature, as `mandate contracts sign` writes it.",
)
@click.option("--releaser", metavar="ADDRESS", help="Whose signature it must be.")
def check(call: Call, signature: Path | None, releaser: str | None) -> Answer:
    """Check package, signature and the code at every address of the trust file."""
    from ..audit.release import SignedRelease, check_code, check_signature, own_release

    if (signature is None) != (releaser is None):
        raise UsageError(
            "--signature and --releaser belong together",
            meaning="A signature counts only as that of somebody whom you know.",
        )
    release = own_release()
    lines = [f"package    holds release {release.version}, manifest {to_hex(release.digest)}"]
    if signature is not None and releaser is not None:
        check_signature(SignedRelease.load(signature.read_bytes()), release, Address(releaser))
        lines.append(f"signature  by {releaser}")
    replaced = check_code(call.session.client, release)
    chain = call.session.trust.chain_id
    lines.append(f"chain      {chain} runs it, at every address of the trust file")
    lines += [
        f"           but for the {word}: another contract takes its place" for word in replaced
    ]
    data = {"manifest": to_hex(release.digest), "releaser": releaser, "chainId": chain}
    return Answer(data | {"replaced": replaced}, "\n".join(lines))


@command(
    "sign",
    "Sign the release manifest.",
    examples=("mandate contracts sign --as releaser --out release.json",),
    signs=True,
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for the signature.",
)
def sign(call: Call, out: Path) -> Answer:
    """Say with a key that this package's contracts are a release. Sends nothing."""
    from ..audit.release import SignedRelease, own_release

    release = own_release()
    key = call.session.releaser
    signed = SignedRelease(release.digest, key.address, key.sign_release(release.digest))
    out.write_bytes(signed.data)
    data = {"manifest": to_hex(release.digest), "releaser": key.address, "file": str(out)}
    return Answer(data, f"release {release.version} signed by {key.address}: {out}")


for _subcommand in (manifest, check, sign):
    contracts.add_command(_subcommand)


def _described(release: Release) -> dict[str, Any]:
    return {
        "manifest": to_hex(release.digest),
        "version": release.version,
        "compiler": release.compiler,
        "openzeppelin": release.openzeppelin,
        "contracts": {
            name: {
                "source": made.source,
                "sourceDigest": to_hex(made.sources),
                "abiDigest": to_hex(made.abi),
                "bytecodeHash": to_hex(made.bytecode),
                "deployedBytecodeHash": to_hex(made.runtime),
            }
            for name, made in release.contracts.items()
        },
    }


def _rendered(release: Release) -> str:
    width = max(map(len, release.contracts))
    lines = [
        f"release   {release.version}",
        f"manifest  {to_hex(release.digest)}",
        f"compiler  {release.compiler}; OpenZeppelin Contracts {release.openzeppelin}",
        "",
        "code on a chain, its immutables zero:",
        *(f"  {name:<{width}}  {to_hex(made.runtime)}" for name, made in release.contracts.items()),
    ]
    return "\n".join(lines)
