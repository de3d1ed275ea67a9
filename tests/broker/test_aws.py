"""What STS is asked, and what becomes of its no."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pulumi_mandate.broker.aws import read_credentials, write_credentials
from pulumi_mandate.broker.judge import Run
from pulumi_mandate.broker.settings import AwsRoles
from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import Tier, keccak, to_hex
from tests.broker.stage import READ, SUBJECT, WRITE, bucket
from tests.gate.cases import document, operation

ROLES = AwsRoles(WRITE, READ, widen=False, region="eu-central-1")
PLAN, RUN_ID = keccak(b"plan"), keccak(b"run")


def run_of(*operations: dict[str, Any], seconds: int = 3000) -> Run:
    plan = document(*(operations or (bucket(),)))
    return Run(SUBJECT, PLAN, RUN_ID, Tier.HIGH, seconds, plan)


class Sts:
    """Stands in for STS and keeps what it was asked: moto forgets the tags."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.says: Exception | None = None

    def client(self, name: str, region_name: str) -> Sts:
        assert (name, region_name) == ("sts", "eu-central-1")
        return self

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        if self.says is not None:
            raise self.says
        self.asked = asked
        made = {"AccessKeyId": "ASIA", "SecretAccessKey": "very secret", "SessionToken": "token"}
        return {"Credentials": made | {"Expiration": datetime(2026, 1, 1, tzinfo=UTC)}}


@pytest.fixture
def sts_client(monkeypatch: pytest.MonkeyPatch) -> Sts:
    made = Sts()
    monkeypatch.setattr(boto3.session, "Session", lambda: SimpleNamespace(client=made.client))
    return made


def test_session_and_tags_name_plan_run_and_stack(sts_client: Sts) -> None:
    given = write_credentials(ROLES, run_of())
    asked = sts_client.asked

    assert re.fullmatch(r"[\w+=,.@-]{2,64}", asked["RoleSessionName"])
    assert {tag["Key"]: tag["Value"] for tag in asked["Tags"]} | {"mandate:subject": ""} == {
        "mandate:plan": to_hex(PLAN),
        "mandate:run": to_hex(RUN_ID),
        "mandate:subject": "",
    }
    assert all(len(tag["Value"]) <= 256 for tag in asked["Tags"])
    assert asked["DurationSeconds"] == 3000
    assert "arn:aws:s3:::logs" in asked["Policy"]
    assert given.answer["secretAccessKey"] == "very secret"
    assert "very secret" not in str(given.facts)
    assert "token" not in str(given.facts)


def test_a_session_is_never_longer_than_the_lease(sts_client: Sts) -> None:
    write_credentials(ROLES, run_of(seconds=9000))
    assert sts_client.asked["DurationSeconds"] == 3600
    sts_client.asked = {}

    with pytest.raises(Refused, match="ends sooner"):
        write_credentials(ROLES, run_of(seconds=899))
    assert sts_client.asked == {}


def test_where_no_policy_fits_it_is_refused_or_said(sts_client: Sts) -> None:
    wide = run_of(bucket(), operation("thing"))
    with pytest.raises(Refused, match="no session policy"):
        write_credentials(ROLES, wide)
    assert sts_client.asked == {}

    given = write_credentials(replace(ROLES, widen=True), wide)

    assert "Policy" not in sts_client.asked
    assert given.answer["scope"] == given.facts["scope"] == f"all of {WRITE}"


def test_reading_is_reading_whatever_the_role_may_do(sts_client: Sts) -> None:
    given = read_credentials(ROLES, SUBJECT, "nothing runs")

    assert sts_client.asked["PolicyArns"] == [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    assert "Tags" not in sts_client.asked
    assert given.answer["access"] == "read"
    with pytest.raises(Refused, match="nothing runs"):
        read_credentials(replace(ROLES, read=""), SUBJECT, "nothing runs")


def test_awss_no_is_told_without_its_words(sts_client: Sts) -> None:
    said = {"Error": {"Code": "AccessDenied", "Message": "arn of somebody is not authorised"}}
    sts_client.says = ClientError(said, "AssumeRole")

    with pytest.raises(MandateError, match="AccessDenied") as caught:
        write_credentials(ROLES, run_of())

    assert "somebody" not in caught.value.diagnostics()
    assert "sts:TagSession" in caught.value.next_step

    sts_client.says = EndpointConnectionError(endpoint_url="https://sts.example")
    with pytest.raises(MandateError, match="cannot ask AWS for arn:") as caught:
        write_credentials(ROLES, run_of())
    assert "way to STS" in caught.value.next_step
