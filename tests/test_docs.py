"""What the documents say can be typed, exists, and is what the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from pulumi_mandate.cli._app import EXIT_CODES, app
from tools.reference import README, REFERENCE, block_of, command_paths, help_of, reference

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("contracts/*.md"),
    ]
)
SOURCES = sorted((ROOT / "provider").rglob("*.py"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"\bdocs/[\w./-]+\.md\b")
TYPED = re.compile(r"(?:^|`|\$ |&& |\"\$\()(mandate [a-z][^`\n#]*)", re.MULTILINE)
HINT = re.compile(r"next_step=\(?\s*f?\"([^\"]*)\"")
IN_HINT = re.compile(r"mandate [a-z][\w -]*")


def understood(words: list[str]) -> str | None:
    """Why a command line cannot be typed; None where it can."""
    command: click.Command = app
    while isinstance(command, click.Group):
        if not words:
            return None
        found = command.commands.get(words[0])
        if found is None:
            return f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {"--help", "-h"}
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    return f"{command.name} has no {unknown[0]}" if unknown else None


def words_of(line: str) -> list[str]:
    """The command's own words: up to what a shell, or a sentence, goes on with."""
    for end in ("&&", "|", ";", ')"', "  "):
        line = line.partition(end)[0]
    line = line.replace("'", "").replace('"', "")
    return shlex.split(line)[1:]


def commands_in(text: str) -> list[str]:
    return [match.rstrip(").,:") for match in TYPED.findall(text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_can_be_typed(path: Path) -> None:
    wrong = {
        line: reason
        for line in commands_in(path.read_text())
        if (reason := understood(words_of(line))) is not None
    }

    assert not wrong


def test_commands_are_found_in_documents() -> None:
    found = commands_in(README.read_text())

    assert len(found) > 10
    assert understood(["dovote"]) is not None
    assert understood(["vote", "1", "--wrong"]) is not None
    assert understood(["dev", "start", "--env"]) is None


def test_every_next_step_of_an_error_can_be_typed() -> None:
    hints = {
        hint: path.name
        for path in SOURCES
        for step in HINT.findall(path.read_text())
        for hint in IN_HINT.findall(step)
    }
    wrong = {
        (place, hint): reason
        for hint, place in hints.items()
        if (reason := understood(hint.split()[1:])) is not None
    }

    assert len(hints) > 10, "the pattern finds nothing any more"
    assert not wrong


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(path.read_text()):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        aim = (path.parent / file).resolve() if file else path
        if not aim.exists() or (anchor and anchor not in anchors_of(aim)):
            broken.append(target)

    assert not broken


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text())
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_document_that_the_code_names_exists() -> None:
    named = {name for path in SOURCES for name in NAMED.findall(path.read_text())}

    assert named
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_the_help_in_the_readme_is_what_the_program_prints() -> None:
    assert block_of(README.read_text(), "help") == help_of()


def test_the_reference_is_what_the_program_prints() -> None:
    assert REFERENCE.read_text() == reference(), "python -m tools.reference"


def test_every_command_is_in_the_reference() -> None:
    text = REFERENCE.read_text()

    assert not [path for path in command_paths() if f"## `mandate {' '.join(path)}`" not in text]


def test_the_readme_lists_every_exit_code() -> None:
    in_help = {line.split()[0] for line in EXIT_CODES.splitlines() if line.startswith("  ")}
    in_readme = set(re.findall(r"(?m)^\| (\d) \| ", README.read_text()))

    assert in_readme == in_help
