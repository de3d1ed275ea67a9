"""One exception tree; the class says what the reader must do, the exit code says it to machines.

```
MandateError                 1   a bug of ours, or something nobody foresaw
├── UsageError               2   the command was typed wrong, or its input is unusable
├── Refused                  3   the gate, or a contract, said no; no resource was changed
│   ├── InvalidDocument      3   bytes that are not a canonical, known, consistent plan
│   │   └── EmptyPlan        3   there is nothing to do, so nothing to vote on
│   ├── ContractRefused      3   a contract reverted; the chain said no
│   └── IncompletePlan       3   the engine's sources disagree or hold something unknown
├── ChainError               4   the chain is down, lies, lags, or is not the pinned one
│   ├── ChainUnreachable     4   no endpoint answers
│   ├── WrongChain           4   an endpoint serves another chain id than the trust file names
│   ├── MissingContract      4   there is no code where the trust file says a contract is
│   └── EndpointsDisagree    4   two endpoints tell different stories: one lies, or lags
├── SignerError              5   a key is missing, disabled, not ours, or signed something else
├── EngineError              6   Pulumi, a program or a provider failed
└── PartlyApplied            7   some operations are done and some are not; resume or roll back
```

Each error carries three texts: what happened, what it means, what to do next. None of them may
hold a secret: errors are printed, logged and sent to voters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MandateError(Exception):
    """Root of everything this package raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(self, happened: str, *, meaning: str = "", next_step: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        """One sentence: the fact."""
        self.meaning = meaning
        """What the fact means for whoever reads it. May be empty."""
        self.next_step = next_step
        """The command to type or the person to ask. May be empty."""

    def diagnostics(self) -> str:
        """Everything a person needs, as at most three lines."""
        lines = [self.happened]
        if self.meaning:
            lines.append(self.meaning)
        if self.next_step:
            lines.append(f"next: {self.next_step}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The same for `--json`; keys are stable."""
        return {
            "error": type(self).__name__,
            "exitCode": self.exit_code,
            "happened": self.happened,
            "meaning": self.meaning,
            "next": self.next_step,
        }


class UsageError(MandateError):
    """The request itself is unusable."""

    exit_code = 2


class Refused(MandateError):
    """The gate said no, before anything was changed.

    `step` is the number in the order of a run (`gate/verify.py`); 0 where no run was asked for.
    """

    exit_code = 3

    def __init__(  # noqa: PLR0913  # every argument is part of the sentence the operator reads
        self,
        step: int,
        happened: str,
        *,
        field: str = "",
        expected: str = "",
        found: str = "",
        meaning: str = "",
        next_step: str = "",
    ) -> None:
        super().__init__(happened, meaning=meaning, next_step=next_step)
        self.step = step
        self.field = field
        """The part of the plan or the mandate that differs."""
        self.expected = expected
        self.found = found

    def diagnostics(self) -> str:
        lines = [f"refused at step {self.step}: {self.happened}" if self.step else self.happened]
        if self.field:
            lines.append(f"  {self.field}: approved {self.expected}, found {self.found}")
        if self.meaning:
            lines.append(self.meaning)
        if self.next_step:
            lines.append(f"next: {self.next_step}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        return super().as_dict() | {
            "step": self.step,
            "field": self.field,
            "expected": self.expected,
            "found": self.found,
        }


class InvalidDocument(Refused):
    """Bytes that are not a canonical plan of a schema we know."""

    def __init__(self, happened: str, *, meaning: str = "", next_step: str = "") -> None:
        super().__init__(4, happened, meaning=meaning, next_step=next_step)


class IncompletePlan(Refused):
    """The preview's sources disagree, or one holds something no rule here covers."""

    def __init__(self, happened: str, *, meaning: str = "", next_step: str = "") -> None:
        super().__init__(7, happened, meaning=meaning, next_step=next_step)


class ContractRefused(Refused):
    """A contract reverted. `error` is the name of its custom error, empty where it gave none."""

    def __init__(
        self,
        happened: str,
        *,
        error: str = "",
        arguments: Mapping[str, object] | None = None,
        meaning: str = "",
        next_step: str = "",
    ) -> None:
        super().__init__(0, happened, meaning=meaning, next_step=next_step)
        self.error = error
        self.arguments = dict(arguments or {})
        """The custom error's values by name."""


class EmptyPlan(InvalidDocument):
    """There is nothing to do, so there is nothing to vote on; callers may treat it as success."""


class ChainError(MandateError):
    """The chain cannot be believed or reached right now."""

    exit_code = 4


class ChainUnreachable(ChainError):
    """No answer, after a few tries."""


class WrongChain(ChainError):
    """Another chain id than the pinned one."""


class MissingContract(ChainError):
    """A pinned address without code."""


class EndpointsDisagree(ChainError):
    """The configured endpoints do not tell the same story, so none is believed."""


class SignerError(MandateError):
    """A key did not do what was asked, or did something else."""

    exit_code = 5


class EngineError(MandateError):
    """Pulumi, a program or a provider failed."""

    exit_code = 6


class PartlyApplied(MandateError):
    """Some operations are done and some are not."""

    exit_code = 7
