"""What people read first, forged, and what surrounds it: of `whole.much` and `whole.first`."""

from __future__ import annotations

from typing import Any

from pulumi_mandate.plan.assessment import MOST_FINDINGS, MOST_MEASURES

from .forgeries import Forgeries, Forgery, put

REMOVED = {"path": "z.py", "change": "removed", "before": ["file", "77" * 32], "after": None,
           "diff": None, "withheld": "no former text to compare with"}  # fmt: skip


def check(part: str, value: object) -> Forgery:
    return put("checks", 0, part, value)


def finding(**changes: object) -> Forgery:
    return check("findings", [{"urn": "", "message": "more", **changes}])


def change(part: str, value: object) -> Forgery:
    return put("source", "changes", 0, part, value)


def constraint(value: object) -> Forgery:
    return put("unknowns", 0, "constraint", value)


def both(*forgeries: Forgery) -> Forgery:
    def apply(content: dict[str, Any]) -> None:
        for forge in forgeries:
            forge(content)

    return apply


UNKNOWNS: Forgeries = {
    "the unknown values are those of the operations": {
        "an unknown left out": put("unknowns", []),
        "an unknown twice": lambda content: content["unknowns"].append(content["unknowns"][0]),
        "an unknown in another place": put("unknowns", 0, "path", ["inputs", "other"]),
        "an unknown that waits for nothing": put("unknowns", 0, "from", []),
        "an unknown of another operation": put("unknowns", 0, "op", "create"),
        "an unknown that is no object": put("unknowns", [1]),
        "an unknown without its constraint": lambda content: content["unknowns"][0].pop(
            "constraint"
        ),
        "an unknown's part too many": put("unknowns", 0, "more", 1),
        "unknowns that are no list": put("unknowns", {}),
    },
    "what no unknown may hold is a sorted list of lines": {
        "globs out of order": lambda content: content["sensitive"].reverse(),
        "a glob twice": lambda content: content["sensitive"].append(content["sensitive"][-1]),
        "a glob that is no text": put("sensitive", [1]),
        "an empty glob": put("sensitive", [""]),
        "a glob on two lines": put("sensitive", ["a\nb"]),
        "globs that are no list": put("sensitive", {}),
        "globs left out": lambda content: content.pop("sensitive"),
    },
    "a constraint is exactly one condition that can be checked": {
        "a constraint in words": constraint("not the whole internet"),
        "a constraint of no condition": constraint({}),
        "a constraint of two conditions": constraint({"equals": 1, "pattern": "1"}),
        "a condition that is not known": constraint({"startsWith": "10."}),
        "equal to null": constraint({"equals": None}),
        "equal to a list": constraint({"equals": ["a"]}),
        "one of none": constraint({"oneOf": []}),
        "one of lists": constraint({"oneOf": [["a"]]}),
        "one of a text": constraint({"oneOf": "abc"}),
        "an empty pattern": constraint({"pattern": ""}),
        "a pattern with a line end": constraint({"pattern": "a\n"}),
        "a pattern that is a number": constraint({"pattern": 1}),
    },
    "what cannot be undone follows from the operations": {
        "a loss left out": put("rollback", "irreversible", []),
        "a loss in other words": put("rollback", "irreversible", 0, "reason", "harmless"),
        "a loss of another resource": put("rollback", "irreversible", 0, "urn", "urn:x"),
        "a rollback that is no object": put("rollback", []),
        "an inverse that is written down": put("rollback", "inverse", None),
    },
}

CHECKS: Forgeries = {
    "a verdict has its whole form": {
        "a check that is no object": put("checks", 0, "cost"),
        "a check without its digest": lambda content: content["checks"][0].pop("digest"),
        "a check with a part too many": check("more", 1),
        "a check's id in capitals": check("id", "Cost"),
        "a check's id with a line end": check("id", "cost\n"),
        "a check's id of 33 characters": check("id", "c" * 33),
        "a check's id that is a number": check("id", 1),
        "a check's version in words": check("version", "the last one"),
        "a check's version that is a number": check("version", 1),
        "a check's digest that is 32": check("digest", 32),
        "a check that is mandatory in words": check("mandatory", "yes"),
        "a check that is mandatory by number": check("mandatory", 1),
        "a verdict that is not known": check("verdict", "fine"),
        "a verdict that is a list": check("verdict", ["pass"]),
        "a check twice": lambda content: content["checks"].append(content["checks"][1]),
        "checks in no order": lambda content: content["checks"].reverse(),
    },
    "what failed says why, and what is overridden, too": {
        "an override without a reason": check("override", None),
        "an override whose reason is empty": check("override", ""),
        "an override whose reason is two lines": check("override", "agreed\nverdict: pass"),
        "an override whose reason is 501 characters": check("override", "a" * 501),
        "an override whose reason turns the line around": check("override", "agreed \u202e"),
        "an override whose reason has no width": check("override", "\u200b"),
        "an override whose reason is private": check("override", "\ue000"),
        "an override whose reason is a tag": check("override", "agreed\U000e0041"),
        "a reason without an override": put("checks", 1, "override", "just in case"),
        "overridden without a finding": check("findings", []),
        "failed without a finding": both(
            check("findings", []), check("verdict", "fail"), check("override", None)
        ),
    },
    "a finding is one line about something in the plan": {
        "findings that are no list": check("findings", {}),
        "a finding that is a text": check("findings", ["more"]),
        "a finding with a part too many": finding(more=1),
        "a finding of two lines": finding(message="a\nb"),
        "a finding without words": finding(message=""),
        "a finding that is a number": finding(message=1),
        "a finding about nothing in the plan": finding(urn="urn:x"),
        "a finding about null": finding(urn=None),
        "findings in no order": check(
            "findings", [{"urn": "", "message": text} for text in ("b", "a")]
        ),
        "a finding twice": check("findings", [{"urn": "", "message": "a"}] * 2),
        "too many findings": check(
            "findings",
            [{"urn": "", "message": f"{number:04}"} for number in range(MOST_FINDINGS + 1)],
        ),
    },
    "measures are numbers with short names": {
        "measures that are a list": check("measures", []),
        "a measure in words": check("measures", {"eur": "12"}),
        "a measure beyond 2^53": check("measures", {"eur": 2.0**53}),
        "a measure far below -2^53": check("measures", {"eur": -1e300}),
        "a measure that is true": check("measures", {"eur": True}),
        "a measure that is null": check("measures", {"eur": None}),
        "a measure with a long name": check("measures", {"a" * 33: 1}),
        "a measure with a space": check("measures", {"eur per month": 1}),
        "too many measures": check(
            "measures", {f"m{number}": number for number in range(MOST_MEASURES + 1)}
        ),
    },
}

SOURCE: Forgeries = {
    "the change of the source has its form": {
        "a source that is a text": put("source", "nothing changed"),
        "a source with a part too many": put("source", "more", 1),
        "a source since 32": put("source", "since", 32),
        "a source whose texts are no digest": put("source", "content", "0x00"),
        "source changes that are no list": put("source", "changes", {}),
        "a source change with a part too many": change("more", 1),
        "a source change of a number": change("path", 1),
        "a file before without its mode": change("before", ["55" * 32]),
        "a file before of another mode": change("before", ["socket", "55" * 32]),
        "a file before that is a text": change("before", "file"),
    },
    "every file stands there once, as it is in the program": {
        "a file that does not change": lambda content: content["source"]["changes"][0].update(
            before=content["source"]["changes"][0]["after"]
        ),
        "a change that is called an addition": change("change", "added"),
        "a change that is called by nothing": change("change", None),
        "a file after the change that is another": change("after", ["file", "77" * 32]),
        "a file that is not in the program": change("path", "other.py"),
        "a file that is removed and in the program": change("after", None),
        "a changed file twice": lambda content: content["source"]["changes"].append(
            content["source"]["changes"][0]
        ),
        "changed files in no order": lambda content: content["source"]["changes"].insert(
            0, REMOVED
        ),
    },
    "a file is shown, or the plan says why not": {
        "a file that is shown and withheld": change("withheld", "may hold a secret"),
        "a file that is neither shown nor withheld": change("diff", None),
        "a diff that is a list": change("diff", ["+x"]),
        "withheld for another reason": both(change("diff", None), change("withheld", "trust me")),
        "withheld for a list": both(change("diff", None), change("withheld", [])),
    },
}

FIRST: Forgeries = {
    "without a program before it, every file is new": {
        "a file of the program left out": lambda content: content["source"]["changes"].pop(),
        "a file that was removed from nothing": lambda content: content["source"][
            "changes"
        ].append(REMOVED),
    },
    "whoever overrides a check needs the tier high": {
        "an override below tier high": put("checks", [
            {"id": "cost", "version": "1", "digest": "0x" + "11" * 32, "mandatory": True,
             "verdict": "overridden", "findings": [{"urn": "", "message": "a"}], "measures": {},
             "override": "agreed"}]),
    },
    "a plan of a higher tier than its operations says by which rule": {
        "a plan's rule that is a sentence": lambda content: content.update(
            base="0x" + "11" * 32, tier={"tier": 3, "rule": "all is well", "reasons": {}}
        ),
        "a plan's rule that is a number": lambda content: content.update(
            base="0x" + "11" * 32, tier={"tier": 3, "rule": 1, "reasons": {}}
        ),
    },
    "a reason is one line, for a rule that fired": {
        "a reason of two lines": put("tier", "reasons", {"vector": "a\nb"}),
        "an empty reason": put("tier", "reasons", {"vector": ""}),
        "reasons that are a list": put("tier", "reasons", []),
        "a reason for every object's rule": put("tier", "reasons", {"constructor": "a"}),
    },
}  # fmt: skip

URGENT: Forgeries = {
    "an emergency names its incident and says why it could not wait": {
        "an emergency by a rule": both(
            put("tier", "rule", "vector"),
            lambda content: content["tier"]["reasons"].pop("emergency.INC-2041"),
        ),
        "an emergency without a name": put(
            "tier", {"tier": 5, "rule": "emergency.", "reasons": {"emergency.": "why"}}
        ),
        "an incident whose name begins with a dot": put(
            "tier", {"tier": 5, "rule": "emergency..a", "reasons": {"emergency..a": "why"}}
        ),
        "an incident of 32 characters": put(
            "tier",
            {"tier": 5, "rule": "emergency." + "a" * 32,
             "reasons": {"emergency." + "a" * 32: "why"}},
        ),
        "an emergency without its reason": put("tier", "reasons", {"vector": "it creates"}),
        "an emergency with two reasons of no operation": put(
            "tier", "reasons", {"emergency.INC-2041": "why", "big": "a", "bigger": "b"}
        ),
        "an emergency without a base": put("base", None),
        "an emergency for one operation": put("operations", 0, "tier", 5),
    },
    "only an emergency names an incident": {
        "a high plan with an incident": put("tier", "tier", 3),
        "a critical plan with an incident": put("tier", "tier", 4),
        "a plan of no known tier with an incident": put("tier", "tier", 6),
        "a plan whose tier is true": put("tier", "tier", True),
    },
}  # fmt: skip
