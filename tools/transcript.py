"""Commands that really run, printed as a transcript that a person can read.

What a command says may be shortened, and where it is, `[…]` says so. The recorded form replaces
what differs from run to run (hashes, times, ports) so that it can be compared with the README.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CUT = "[…]"
_WIDTH = 100
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

_VOLATILE = (
    (re.compile(r"0x[0-9a-fA-F]{7,}…?"), "0x…"),
    (re.compile(r"\b(i|ami|r|subnet|vpc)-[0-9a-f]{8,17}\b"), r"\1-…"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:…"),
    (re.compile(r"\b\d[\d,]* bytes\b"), "… bytes"),
    (re.compile(r"\b\d+ (d|h|min|m|s)( \d+ (h|min|m|s))?\b(?! ahead)"), "… time"),
    (re.compile(r"\bblock \d+"), "block …"),
    (re.compile(r"\bfrom \d{10} to \d{10}\b"), "from … to …"),
    (re.compile(r"\bleaseUntil \d{10}\b"), "leaseUntil …"),
)


def normalise(text: str) -> str:
    """The text without what differs from run to run, and without trailing spaces."""
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


class DemoFailed(Exception):  # what it says is the whole message
    """The story did not go as it is told."""


@dataclass
class Done:
    """What a command did."""

    code: int
    output: str
    """Standard output, then standard error."""
    stdout: str


@dataclass
class Transcript:
    """Runs commands and prints them; keeps every printed line."""

    folder: Path
    environment: Mapping[str, str]
    private: Sequence[tuple[str, str]] = ()
    """Paths of this machine and what to print instead."""
    lines: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """A line of the transcript."""
        for path, name in self.private:
            text = text.replace(path, name)
        self.lines.append(text)
        print(text, flush=True)

    def scene(self, title: str, story: str) -> None:
        """A new part of the story, told in a sentence or two."""
        self.say()
        self.say(f"── {title} ".ljust(_WIDTH - 2, "─"))
        for line in textwrap.wrap(" ".join(story.split()), _WIDTH - 4):
            self.say(f"# {line}")

    def run(  # one argument for each way to tell it
        self,
        who: str,
        command: Sequence[str],
        *,
        shown: str = "",
        code: int = 0,
        keep: str | None = None,
    ) -> Done:
        """Run a command as somebody; it must exit with `code`, or the demo fails.

        `shown` is what a person would type, where that differs from the words. `keep` is a pattern:
        only lines that it finds are printed, and a cut mark stands where others were.
        """
        done = self._run(command)
        self.say(f"{who}$ {shown or ' '.join(command)}")
        for line in shortened(done.output, keep):
            self.say(f"    {line}" if line else "")
        if done.code:
            self.say(f"    (exit code {done.code})")
        if done.code != code:
            raise DemoFailed(
                f"`{' '.join(command)}` ended with {done.code}, not {code}:\n{done.output}"
            )
        return done

    def ask(self, command: Sequence[str], *, piped: str | None = None) -> Done:
        """Run a command without printing anything; it must succeed. `piped`: its standard input."""
        done = self._run(command, piped)
        if done.code:
            raise DemoFailed(f"`{' '.join(command)}` ended with {done.code}:\n{done.output}")
        return done

    def _run(self, command: Sequence[str], piped: str | None = None) -> Done:
        words = list(command)
        if words[0] == "mandate":
            # The same `main` as the installed script, whatever is on PATH.
            words[:1] = [sys.executable, "-m", "pulumi_mandate.cli"]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=dict(self.environment),
            input=piped or "",
            capture_output=True,
            text=True,
            check=False,
        )
        output = _ANSI.sub("", done.stdout + done.stderr)
        return Done(done.returncode, output, done.stdout)


def shortened(output: str, keep: str | None) -> list[str]:
    """The output's lines; with `keep`, a mark ends the line after which others were left out."""
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    # Progress is for whoever waits; the reader of a transcript does not.
    lines = [line for line in lines if not line.startswith("… ")]
    if keep is None:
        return lines
    result: list[str] = []
    for line in lines:
        if re.search(keep, line):
            result.append(line.strip() if line.startswith("    ") else line)
        elif not result:
            result.append(CUT)
        elif not result[-1].endswith(CUT):
            result[-1] += f"  {CUT}"
    return result
