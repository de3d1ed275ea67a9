"""Writes what Python, Solidity and JavaScript share: the vectors, and the verifier's constants.

    python -m tests.vectors.generate [--check]

Run it when the protocol gains a case. The values are fixed, so a second run writes the same bytes,
and `--check` says whether it would. A changed hash in a committed vector is a new protocol version,
never a repair.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.vectors import canonical, constants, documents, markers, plans, trees

HERE = Path(__file__).parent


def contents() -> dict[str, str]:
    """Every vector file's name and exact text."""
    files = {
        "plan_hash": plans.plans(),
        "plan_claims": plans.claims(),
        "plan_refused": plans.refused(),
        "messages": plans.messages(),
        "merkle": trees.trees(),
        "merkle_refused": trees.refused(),
        "canonical": canonical.vectors(),
        "markers": markers.vectors(),
        "commitment": documents.commitments(),
        "document": documents.documents(),
        "document_refused": documents.refused(),
    }
    return {
        f"{name}.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in files.items()
    }


def main(arguments: list[str]) -> int:
    """Writes every vector file beside this one and the constants, or with `--check` compares."""
    wanted = {HERE / name: text for name, text in contents().items()}
    wanted[constants.VERIFIER] = constants.verifier()
    stale = 0
    for path, text in wanted.items():
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} is not what the generator writes")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
