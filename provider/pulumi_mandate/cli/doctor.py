"""`mandate doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

from ._command import Call, command
from ._output import Answer, Style


@command(
    "doctor",
    "What this machine lacks, and how to get it.",
    examples=("mandate doctor", "mandate doctor --json"),
)
def doctor(call: Call) -> Answer:
    """Say what is there and what is missing, with the command that gets it. Changes nothing.

    Exits with the code of the first thing that a run would fail for, 0 if there is none.
    """
    from ._checkup import Finding, examine

    findings = list(examine(call.session))
    data = {
        "findings": [
            {"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings
        ]
    }

    def line(finding: Finding, style: Style) -> str:
        mark = style.good("ok     ") if finding.ok else style.bad("missing")
        text = f"{mark}  {finding.name:<16}  {finding.detail}"
        return f"{text}\n{'':9}{'':16}  get it: {finding.remedy}" if finding.remedy else text

    text = "\n".join(line(finding, call.style) for finding in findings)
    code = next((finding.exit_code for finding in findings if not finding.ok), 0)
    return Answer(data, text, exit_code=code)
