"""What the program at a place wants, as a document: a preview, and the facts that a preview lacks.

Proposing and running both come through here, so that they cannot see different things.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.checks.running import run_validators
from pulumi_mandate.errors import IncompletePlan, Refused, UsageError
from pulumi_mandate.models import NO_CLEARS, Address, Digest, Subject
from pulumi_mandate.plan.assessment import emergency_tier
from pulumi_mandate.plan.build import Facts, build_document
from pulumi_mandate.plan.commitment import SubjectKey
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import ProgramDigest, modules_of, program_digest
from pulumi_mandate.plan.raw import RawPreview, subject_key
from pulumi_mandate.plan.source import Since, source_part
from pulumi_mandate.plan.toolchain import Toolchain, toolchain
from pulumi_mandate.plan.values import Reader

from .engine import (
    NOTHING_AHEAD,
    VERSION,
    WHO,
    Ask,
    Look,
    engine_environment,
    engine_json,
    run_engine,
)
from .engine_hooks import HOOK_NAMES
from .environment import NESTED_MARK, bound_environment, check_environment
from .flags import require_kind
from .plugins import visible_plugins
from .project import DIY_ORGANISATION, check_project, is_hooked, read_project
from .source import read_source
from .version_control import commit_of
from .where import ProgramAt

JSON = Any
Before = Callable[[], str]
RulesOf = Callable[[Subject], Rules]
"""Which rules a subject has: `Machine.rules_of`."""


@dataclass(frozen=True, slots=True)
class Here:
    """Steps (5) and (6): what this machine has, before anything is previewed."""

    subject: Subject
    program: ProgramDigest
    toolchain: Toolchain
    rules: Rules


@dataclass(frozen=True, slots=True)
class Prepared:
    """A preview and what it became."""

    raw: RawPreview = field(repr=False)
    """Secrets in plain text: memory only."""
    here: Here
    key: SubjectKey

    @classmethod
    def of(cls, raw: RawPreview, here: Here) -> Prepared:
        """Raises `IncompletePlan` where another engine made the preview, `UsageError`."""
        expected = here.toolchain.content["engine"]
        if raw.engine_version != expected:
            raise IncompletePlan(
                f"the preview was made by engine {raw.engine_version}, not by {expected}"
            )
        return cls(raw, here, subject_key(raw.config))

    def values_of(self, urn: str, values: JSON, part: str = "inputs") -> JSON:
        """A document's values of what the engine has or sends now: nothing is unknown there."""
        reader = Reader(self.key, urn, self.here.toolchain.modules, deployed=True)
        return reader.part(part, values)


def default_rules(subject: Subject) -> Rules:
    """The rules that are shipped, whoever asks."""
    return Rules.load()


def prepare_plan(  # noqa: PLR0913  # what a proposer decides, each by name
    program: ProgramAt,
    trust: Trust,
    *,
    proposer: Address,
    window: tuple[int, int],
    kind: str = "up",
    salt: Digest | None = None,
    clears: Digest = NO_CLEARS,
    rules: RulesOf = default_rules,
    overrides: Mapping[str, str] | None = None,
    emergency: tuple[str, str] | None = None,
    again: bool = False,
    environment: Mapping[str, str] | None = None,
    completed: Callable[[Subject], Since | None] | None = None,
) -> Document:
    """Preview and build, for `mandate preview` and `mandate propose`; `kind` is a plan's kind.

    `window` is (not before, expires at) in seconds of chain time; `overrides` and `again` as in
    `checks.running.run_validators`; `emergency` is an incident and why it cannot wait for a vote.
    `completed` says which program ran last on a subject; with it,
    the document shows how the source changed since.

    Raises `EmptyPlan` where there is nothing to do, `Refused` where the program is not governed,
    `EngineError`, `UsageError`.
    """
    prepared = prepare(program, trust, kind=kind, rules=rules, environment=environment)
    check_governed(program, prepared.raw)
    source, commit = None, None
    if completed is not None:
        now = read_source(program.workdir, prepared.here.program)
        source = source_part(now, completed(prepared.here.subject))
        commit = commit_of(program.workdir, program.stack)
    return document_of(
        prepared,
        proposer=proposer,
        window=window,
        salt=Digest(secrets.token_bytes(32)) if salt is None else salt,
        clears=clears,
        source=source,
        commit=commit,
        overrides=overrides,
        emergency=emergency,
        again=again,
    )


def prepare(  # noqa: PLR0913  # what an attestor decides, each by name
    program: ProgramAt,
    trust: Trust,
    *,
    kind: str = "up",
    rules: RulesOf = default_rules,
    environment: Mapping[str, str] | None = None,
    subject: Subject | None = None,
) -> Prepared:
    """Preview the whole stack as a child of this process, and look around meanwhile.

    `subject` is what the stack stands for where its backend is not the real one.

    Raises `EngineError` where the program or the engine fails, `IncompletePlan`, `UsageError`,
    `Refused` where settings or environment could not be run with.
    """
    source = dict(os.environ if environment is None else environment)
    check_environment(source)
    check_project(program.workdir)
    with ThreadPoolExecutor(1) as beside:
        preview = beside.submit(preview_of, program, source, kind, trust)
        here = look_here(program, trust, rules=rules, environment=source, subject=subject)
        return Prepared.of(preview.result(), here)


def preview_of(
    program: ProgramAt,
    environment: Mapping[str, str],
    kind: str = "up",
    trust: Trust | None = None,
    before: Before | None = None,
) -> RawPreview:
    """The engine's own answer, marked so that the program says nothing, isolated as `trust` says.

    `before` as in `preview.take_preview`. Raises `EngineError`, `UsageError`, `Refused`.
    """
    from .preview import take_preview

    nested = engine_environment(environment) | {NESTED_MARK: "1"}
    require_kind(kind, program.flags)
    flags = import_flags(program.imports) if kind == "import" else program.flags
    return take_preview(
        program.workdir,
        program.stack,
        kind=kind,
        flags=flags,
        env=nested,
        trust=trust,
        before=before,
    )


def import_flags(file: Path | None) -> tuple[str, ...]:
    """What an import is told, previewed and run. Raises `UsageError` where there is no file."""
    if file is None or not file.is_file():
        raise UsageError("an import needs the file that says what to import")
    return "--file", str(file), "--generate-code=false"


def document_of(  # noqa: PLR0913  # what a proposer decides, each by name
    prepared: Prepared,
    *,
    proposer: Address,
    window: tuple[int, int],
    salt: Digest,
    clears: Digest = NO_CLEARS,
    source: Mapping[str, JSON] | None = None,
    commit: str | None = None,
    overrides: Mapping[str, str] | None = None,
    emergency: tuple[str, str] | None = None,
    again: bool = False,
) -> Document:
    """The document of a preview, its checks made. Raises `EmptyPlan`, `IncompletePlan`, `Refused`
    for a sensitive unknown without a constraint, `UsageError` for an override that may not be.
    """
    here = prepared.here

    def assess(content: Mapping[str, JSON]) -> dict[str, JSON]:
        checks = run_validators(here.rules, content, overrides, again=again)
        # Made again, the program is the approved one (step 6), and so is its change since the last.
        source = {"changes": []} if again else content["source"]
        judged = here.rules.state({**content, "checks": checks, "source": source})
        if emergency is not None:
            judged["tier"] = emergency_tier(judged["tier"], *emergency)
        return {"checks": checks, **judged}

    facts = Facts(
        subject=here.subject,
        program=here.program,
        toolchain=here.toolchain,
        rules=here.rules.digest,
        proposer=proposer,
        not_before=window[0],
        expires_at=window[1],
        salt=salt,
        key=prepared.key,
        clears=clears,
        source=source,
        commit=commit,
        again=again,
    )
    return build_document(prepared.raw, facts, here.rules.judge, assess)


def look_here(  # noqa: PLR0913  # what is known of the place already, each by name
    program: ProgramAt,
    trust: Trust,
    *,
    rules: RulesOf = default_rules,
    environment: Mapping[str, str] | None = None,
    subject: Subject | None = None,
    look: Look = NOTHING_AHEAD,
) -> Here:
    """Subject, program, toolchain and rules of this machine. Raises `UsageError`, `EngineError`."""
    source = dict(os.environ if environment is None else environment)
    check_project(program.workdir)
    with ThreadPoolExecutor(3) as beside:
        # The engine starts, in processes of its own, while this one hashes.
        version = beside.submit(look.ask, VERSION, program.workdir, source)
        told = beside.submit(lambda: subject or subject_of(program, trust, source, look.ask))
        plugins = beside.submit(visible_plugins, source)  # few and large: no lock is held
        flags = [f"{name}={value}" for name, value in bound_environment(source).items()]
        digested = program_digest(program.workdir, program.stack)
        about = told.result()
        # The chain before the packages: another process may be digesting these meanwhile.
        judged_by = rules(about).about(about)
        packages = look.packages()
    return Here(
        subject=about,
        program=digested,
        toolchain=toolchain(
            version.result().strip(),
            packages,
            plugins=plugins.result(),
            flags=[*flags, *program.flags],
            shadowed=modules_of(digested.files),
        ),
        rules=judged_by,
    )


def subject_of(
    program: ProgramAt,
    trust: Trust,
    environment: Mapping[str, str] | None = None,
    ask: Ask = run_engine,
) -> Subject:
    """Which subject a stack is. Raises `UsageError` where its backend has no enrolled id here."""
    source = dict(os.environ if environment is None else environment)
    told = engine_json(WHO, program.workdir, source, ask)
    url = str(told["url"]).rstrip("/")
    ids = {known.rstrip("/"): name for known, name in trust.backend_ids.items()}
    backend = ids.get(url)
    if backend is None:
        raise UsageError(
            f"the backend {url} has no enrolled id in the trust file",
            meaning="A subject is named by its backend's id, which is the same on every machine.",
            next_step='add to [backends]:  "' + url + '" = "the id"',
        )
    *owner, stack = program.stack.split("/")
    organisation = owner[0] if owner else _own_organisation(url, told)
    return Subject(backend, organisation, read_project(program.workdir)["name"], stack)


def check_governed(program: ProgramAt, raw: RawPreview) -> None:
    """(7) as `check_hooks`, where the program has hooks at all. Raises `Refused`."""
    if is_hooked(program.workdir):
        check_hooks(raw)


def check_hooks(raw: RawPreview) -> None:
    """(7) every resource carries our three hooks afterwards, so that no operation goes unasked.

    Raises `Refused`: a program without `govern()`, a transform that strips hooks, a resource made
    before `govern()`.
    """
    for step in raw.steps.get("steps") or []:
        state = step.get("newState")
        if state is None or step["op"] in ("read", "read-replacement"):
            continue
        hooks = state.get("resourceHooks") or {}
        for moment, name in HOOK_NAMES.items():
            if (hooks.get(f"Before{moment.capitalize()}") or [])[:1] != [name]:
                raise Refused(
                    7,
                    f"{state['urn']} would not carry the gate's hooks",
                    field="hooks",
                    expected=name,
                    found="another hook first, or none",
                    meaning="An operation on it could not be checked.",
                    next_step="make `pulumi_mandate.govern()` the first line of the program, and "
                    "let no transform remove hooks",
                )


def _own_organisation(url: str, told: dict[str, Any]) -> str:
    return str(told["user"]) if url.startswith("https://") else DIY_ORGANISATION
