"""What the documents tell a reader to type exists, and what they point at is there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pulumi_mandate.cli._app import app

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
# Where one command ends and the next, or a remark, begins.
ENDS = {"|", ";", "&&", "||", "#", ">", "…", "\\", "->", "→"}


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The words of every call of `program` that a text tells its reader to type."""
    lines = [line for block in FENCED.findall(text) for line in block.splitlines()]
    lines += INLINE.findall(FENCED.sub("", text))
    for line in lines:
        # `$ ` in front of a transcript's commands, `ana $ ` in front of a person's.
        words = re.sub(r"^\s*(?:\w* ?\$ )?", "", line)
        if words.split(" ")[0] != program:
            continue
        try:
            split = shlex.split(words)
        except ValueError:
            split = words.split()
        end = next((at for at, word in enumerate(split) if word in ENDS), len(split))
        yield split[1:end]


def fault(words: list[str], command: click.Command = app) -> str | None:
    """What the `mandate` command would not understand in these words, if anything."""
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in command.params for option in parameter.secondary_opts}
    known |= {"--help", "-h"}
    for at, word in enumerate(words):
        if word.startswith("-") and word.split("=")[0] not in known:
            return f"no option {word}"
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word not in command.commands:
                return f"no command {word}"
            return fault(words[at + 1 :], command.commands[word])
    return None


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_document_exists(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    faults = [
        f"mandate {' '.join(w)}: {why}" for w in commands(text, "mandate") if (why := fault(w))
    ]
    faults += [
        f"make {word}: no such target"
        for words in commands(text, "make")
        for word in words
        if word.isalpha() and word not in targets
    ]

    assert faults == []


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    links = LINK.findall(FENCED.sub("", document.read_text()))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]

    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mandate nothing", "no command nothing"),
        ("mandate verify 1 --believe", "no option --believe"),
        ("mandate dev stop", None),
        ("mandate up --json | less -S", None),
        ("mandate --help", None),
    ],
)
def test_a_command_that_is_not_there_is_found(typed: str, found: str | None) -> None:
    (words,) = commands(f"text\n```\n$ {typed}\n```\n", "mandate")

    assert fault(words) == found
    assert list(commands(f"see `{typed}`", "mandate")) == [words]
