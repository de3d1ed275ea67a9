"""Credentials of AWS for one run: `sts:AssumeRole`, named, tagged and narrowed by the plan.

Session name and tags carry plan hash and run id, so that CloudTrail leads back to the vote. Before
a run the read role is given, narrowed to AWS's own read-only policy whatever the role may do.

Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import Subject, subject_hash, to_hex

from .judge import Run
from .policy import MAX_CHARACTERS, session_policy
from .settings import AwsRoles

SHORTEST, LONGEST = 900, 3600
"""Seconds of a session: AWS mints none shorter, and none longer for a role that assumed another."""
READ_ONLY = "iam::aws:policy/ReadOnlyAccess"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What leaves, and what of it is written down."""

    answer: dict[str, Any]
    """With the secret."""
    facts: dict[str, Any]
    """Without it."""


def write_credentials(roles: AwsRoles, run: Run) -> Credentials:
    """For a run that is final. Raises `Refused`, `MandateError` where AWS says no."""
    if run.seconds < SHORTEST:
        raise Refused(
            10,
            "the run's lease ends sooner than the shortest session that AWS mints",
            field="lease",
            expected=f"{SHORTEST} s",
            found=f"{run.seconds} s",
            next_step="mandate resume",
        )
    policy = session_policy(run.document.operations, roles.write)
    if policy is None and not roles.widen:
        raise Refused(
            10,
            f"no session policy of at most {MAX_CHARACTERS} characters follows from this plan",
            meaning="The whole role would be given, and the broker's file does not allow that.",
            next_step='make the plan smaller, or set where_too_long = "widen" for this stack',
        )
    plan, identity = to_hex(run.plan_hash), to_hex(run.run_id)
    arguments: dict[str, Any] = {
        # 64 characters: 28 of the plan's hash, 28 of the run's id.
        "RoleSessionName": f"mandate-{plan[2:30]}-{identity[2:29]}",
        "DurationSeconds": min(run.seconds, LONGEST),
        "Tags": [
            {"Key": "mandate:plan", "Value": plan},
            {"Key": "mandate:run", "Value": identity},
            {"Key": "mandate:subject", "Value": to_hex(subject_hash(run.subject))},
        ],
    }
    if policy is not None:
        arguments["Policy"] = policy
    scope = "the plan" if policy is not None else f"all of {roles.write}"
    return _assumed(roles, roles.write, "write", scope, arguments)


def read_credentials(roles: AwsRoles, subject: Subject, why: str) -> Credentials:
    """For everybody enrolled, while nothing of his runs. Raises as `write_credentials`."""
    if not roles.read:
        raise Refused(
            9, why, meaning="Before a run is final there are no credentials for this stack."
        )
    partition = roles.read.split(":")[1]
    arguments = {
        "RoleSessionName": f"mandate-read-{to_hex(subject_hash(subject))[2:34]}",
        "DurationSeconds": SHORTEST,
        "PolicyArns": [{"arn": f"arn:{partition}:{READ_ONLY}"}],
    }
    return _assumed(roles, roles.read, "read", f"reading; {why}", arguments)


def _assumed(
    roles: AwsRoles, role: str, access: str, scope: str, arguments: dict[str, Any]
) -> Credentials:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sts = boto3.session.Session().client("sts", region_name=roles.region)
        made = sts.assume_role(RoleArn=role, **arguments)["Credentials"]
    except (BotoCoreError, ClientError) as error:
        response = getattr(error, "response", {})
        code = response.get("Error", {}).get("Code")
        if code is None:
            raise MandateError(
                f"the broker cannot ask AWS for {role}: {type(error).__name__}",
                meaning="It did not get as far as a no.",
                next_step="look at its way to STS and at its own AWS identity, on its machine",
            ) from None
        raise MandateError(
            f"AWS did not let the broker assume {role}: {code}",
            next_step="look at the role's trust policy: it needs sts:AssumeRole and sts:TagSession",
        ) from None
    expires = made["Expiration"].isoformat()
    answer = {
        "accessKeyId": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
        "expiration": expires,
        "access": access,
        "scope": scope,
    }
    facts = {
        "access": access,
        "role": role,
        "scope": scope,
        "session": arguments["RoleSessionName"],
        "accessKeyId": made["AccessKeyId"],
        "expires": expires,
    }
    return Credentials(answer, facts)
