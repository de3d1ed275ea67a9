"""The text of a proposal: what voters read, and the three lines that machines read. Pure.

```
<title>

<summary, several lines>

plan: 0x…
document: 0x…
#proposer=0x…
```

The last 52 characters are OpenZeppelin's own mark: a governor lets nobody but that address propose
such a text, so nobody can copy a proposal and cancel the copy to burn its id (GHSA-5h3x-9wvq-w4m2).
A malformed mark protects nobody and OpenZeppelin says nothing about it, so parsing here is strict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pulumi_mandate.models import Address, Digest, digest, to_hex

MAX_LENGTH = 20_000
"""Characters; every one is paid for, and stays for ever."""
_PROPOSER = re.compile(r"#proposer=(0x[0-9a-fA-F]{40})\Z")
_RESERVED = re.compile(r"(?m)^\s*(plan|document):|#proposer=")


@dataclass(frozen=True, slots=True)
class Description:
    """A parsed text. `plan_hash` and `document` are None where the proposal is not about a plan."""

    title: str
    summary: str
    proposer: Address
    plan_hash: Digest | None = None
    document: Digest | None = None

    def __str__(self) -> str:
        parts = [self.title, ""]
        if self.summary:
            parts += [self.summary, ""]
        if self.plan_hash is not None and self.document is not None:
            parts += [f"plan: {to_hex(self.plan_hash)}", f"document: {to_hex(self.document)}"]
        return "\n".join([*parts, f"#proposer={self.proposer}"])


def build_description(
    title: str,
    summary: str,
    proposer: Address,
    *,
    plan_hash: Digest | None = None,
    document: Digest | None = None,
) -> str:
    """The text to propose. Raises `ValueError` where a part could be mistaken for another one."""
    if (plan_hash is None) != (document is None):
        raise ValueError("a plan and its document are named together")
    given = Description(title, summary.strip("\n"), proposer, plan_hash, document)
    text = str(given)
    if parse_description(text) != given:
        raise ValueError("a part of it would be read as another one: the title is one line")
    return text


def parse_description(text: str) -> Description:
    """Read a text back. Raises `ValueError` for anything that is not exactly of this form."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    if any(not (c.isprintable() or c == "\n") for c in text):
        raise ValueError("it holds control characters")
    mark = _PROPOSER.search(text)
    if mark is None or not text[: mark.start()].endswith("\n"):
        raise ValueError("it does not end in a line #proposer=0x…")
    lines = text[: mark.start()].removesuffix("\n").split("\n")
    plan_hash = document = None
    if len(lines) >= 2 and lines[-1].startswith("document: ") and lines[-2].startswith("plan: "):
        document = digest(lines.pop().removeprefix("document: "))
        plan_hash = digest(lines.pop().removeprefix("plan: "))
    body = "\n".join(lines)
    if _RESERVED.search(body):
        raise ValueError("a line in the middle looks like one of the last three")
    title, _, summary = body.partition("\n")
    if not title.strip():
        raise ValueError("it has no title")
    return Description(title, summary.strip("\n"), Address(mark[1]), plan_hash, document)
