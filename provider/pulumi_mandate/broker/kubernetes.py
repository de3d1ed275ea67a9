"""A token of Kubernetes for one run: TokenRequest, bound to a Secret that stands for the run.

The Secret holds nothing. The API server takes a bound token only while its object exists, so
`kubectl delete secret mandate-run-…` ends a run's token before its time. Its annotations carry plan
hash and run id, and the audit log of the cluster names it beside each request.

Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

import json
from typing import Any

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import Subject, to_hex

from .aws import Credentials
from .judge import Run
from .settings import KubernetesAccounts

SHORTEST, LONGEST = 600, 3600
"""Seconds of a token: the API server makes none shorter."""
_NAMESPACES = "/api/v1/namespaces"
_TIMEOUT_SECONDS = 20.0


def write_token(accounts: KubernetesAccounts, run: Run) -> Credentials:
    """For a run that is final. Raises `Refused`, `MandateError` where the cluster says no."""
    if run.seconds < SHORTEST:
        raise Refused(
            10,
            "the run's lease ends sooner than the shortest token that Kubernetes makes",
            field="lease",
            expected=f"{SHORTEST} s",
            found=f"{run.seconds} s",
            next_step="mandate resume",
        )
    plan, identity = to_hex(run.plan_hash), to_hex(run.run_id)
    bound = _secret_of(accounts, f"mandate-run-{identity[2:34]}", plan, identity)
    spec = {"expirationSeconds": min(run.seconds, LONGEST), "boundObjectRef": bound}
    return _token(accounts, accounts.write, "write", spec, f"bound to {bound['name']}")


def read_token(accounts: KubernetesAccounts, subject: Subject, why: str) -> Credentials:
    """While nothing of the caller runs. Raises as `write_token`."""
    if not accounts.read:
        raise Refused(
            9, why, meaning="Before a run is final there are no credentials for this stack."
        )
    return _token(accounts, accounts.read, "read", {"expirationSeconds": SHORTEST}, why)


def _secret_of(accounts: KubernetesAccounts, name: str, plan: str, run: str) -> dict[str, str]:
    """The reference to the run's Secret, made where it is not there yet."""
    annotations = {"pulumi-mandate/plan": plan, "pulumi-mandate/run": run}
    wanted = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "pulumi-mandate/run",
        "metadata": {"name": name, "annotations": annotations},
    }
    place = f"{_NAMESPACES}/{accounts.namespace}/secrets"
    status, found = _call(accounts, "POST", place, wanted)
    if status == 409:
        status, found = _call(accounts, "GET", f"{place}/{name}", None)
    metadata = found.get("metadata", {})
    if status not in (200, 201) or metadata.get("annotations") != annotations:
        raise _no(accounts, f"make the secret {name} of the run", status)
    return {"kind": "Secret", "apiVersion": "v1", "name": name, "uid": metadata["uid"]}


def _token(
    accounts: KubernetesAccounts, account: str, access: str, spec: dict[str, Any], scope: str
) -> Credentials:
    if accounts.audiences:
        spec["audiences"] = list(accounts.audiences)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    place = f"{_NAMESPACES}/{accounts.namespace}/serviceaccounts/{account}/token"
    status, found = _call(accounts, "POST", place, body)
    made = found.get("status", {})
    if status not in (200, 201) or not {"token", "expirationTimestamp"} <= set(made):
        raise _no(accounts, f"make a token of {account}", status)
    expires = made["expirationTimestamp"]
    answer = {"token": made["token"], "expiration": expires, "access": access, "scope": scope}
    facts = {"access": access, "account": account, "scope": scope, "expires": expires}
    return Credentials(answer, facts)


def _call(
    accounts: KubernetesAccounts, method: str, path: str, body: dict[str, Any] | None
) -> tuple[int, dict[str, Any]]:
    """(status, JSON object). The broker's own token is read anew: the kubelet renews its file."""
    import urllib3

    try:
        pool = urllib3.PoolManager(
            retries=False, timeout=_TIMEOUT_SECONDS, ca_certs=str(accounts.authority)
        )
        headers = {"Authorization": f"Bearer {accounts.token.read_text().strip()}"}
        with pool:
            answer = pool.request(
                method,
                accounts.server + path,
                body=None if body is None else json.dumps(body),
                headers=headers | {"Content-Type": "application/json"},
                redirect=False,
            )
            found = json.loads(answer.data or b"{}")
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise MandateError(
            f"the cluster at {accounts.server} cannot be asked: {type(error).__name__}",
            next_step="check server, authority and token in the broker's file",
        ) from None
    return answer.status, found if isinstance(found, dict) else {}


def _no(accounts: KubernetesAccounts, what: str, status: int) -> MandateError:
    return MandateError(
        f"the cluster at {accounts.server} did not {what}: HTTP status {status}",
        next_step="the broker's service account needs create on serviceaccounts/token, and create "
        "and get on secrets, in this namespace",
    )
