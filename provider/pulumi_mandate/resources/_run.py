"""The run in whose name a provider works, if its engine has one."""

from __future__ import annotations

from pathlib import Path

from pulumi_mandate.edge import Binding
from pulumi_mandate.errors import MandateError, Refused


def current_binding() -> Binding | None:
    """The mandate of the run whose engine started this process; None outside of a governed run.

    The run's record was written on this machine before its `begin` was sent. Raises `MandateError`
    where the record or its trust file cannot be read.
    """
    from pulumi_mandate.chain.trust import load_trust
    from pulumi_mandate.gate.ancestor import find_engine
    from pulumi_mandate.gate.folder import run_folders

    try:
        engine = find_engine()
    except Refused:
        return None  # no engine above us: a test, or a tool that calls the provider itself
    for folder in reversed(list(run_folders())):
        record = folder.record()
        if (record.engine_pid, record.engine_started) != (engine.pid, engine.started):
            continue
        result = folder.result()
        # "Open" is how an earlier engine left a run that this one has resumed.
        if result is not None and result.get("status") != "open":
            raise MandateError("the run of this engine was closed already, so nothing is delivered")
        trust = load_trust(Path(record.trust))
        return Binding(record.plan_hash, record.run_id, trust.chain_id, trust.registry)
    return None
