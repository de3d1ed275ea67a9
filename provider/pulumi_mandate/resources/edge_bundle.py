"""`EdgeBundle`: what one edge site is told, as a Pulumi resource.

The bundle is signed with the key of the machine that runs the update and put into an agent's inbox
(`pulumi_mandate.edge`). Where inboxes and keys are, the machine says; a program names neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi import dynamic

from pulumi_mandate.edge import Bundle, Delivered, EdgeMachine, sign_bundle
from pulumi_mandate.edge.bundle import checked_name
from pulumi_mandate.errors import InvalidDocument, Refused, UsageError
from pulumi_mandate.models import to_hex

from ._run import current_binding
from ._values import holds_unknown, is_unknown, plain

CONTENT = ("site", "files", "config", "not_before", "expires_at")
INPUTS = (*CONTENT, "inbox", "revision")
REPLACES = ("site", "inbox")
_COMPUTED = ("inbox", "revision", "key_id", "content_digest", "plan_hash", "delivered")


class EdgeBundleProvider(dynamic.ResourceProvider):
    """Check, diff, create, read, update, replace and delete of a delivered bundle."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Fill in what the program left open; the revision follows from the last one delivered."""
        inputs = plain(news)
        inputs.setdefault("inbox", inputs.get("site"))
        inputs.setdefault("files", {})
        inputs.setdefault("config", {})
        inputs.setdefault("not_before", 0)
        failures = _name_failures(inputs)
        if "revision" not in inputs and not failures:
            inputs["revision"] = _next_revision(plain(_olds), inputs)
        if not failures and not holds_unknown(inputs):
            failures = _content_failures(inputs)
        return dynamic.CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        olds, news = plain(_olds), plain(_news)
        changed = [name for name in INPUTS if olds.get(name) != news.get(name)]
        if olds.get("delivered") is False:  # refresh found the inbox empty or altered
            changed.append("delivered")
        return dynamic.DiffResult(
            changes=bool(changed), replaces=[name for name in changed if name in REPLACES]
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        inputs = plain(props)
        return dynamic.CreateResult(f"{inputs['inbox']}/{inputs['site']}", _deliver(inputs))

    def update(
        self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]
    ) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_deliver(plain(_news)))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """What the inbox holds; a bundle that cannot be believed is drift, not truth."""
        known = plain(props)
        inbox, site = id_.split("/", 1)
        try:
            found = EdgeMachine.from_environment().inbox(inbox).stored(site)
        except (Refused, InvalidDocument):
            return dynamic.ReadResult(id_, known | {"delivered": False})
        if found is None:
            return dynamic.ReadResult("", {})
        state = known | _as_state(found)
        # The next revision is counted from the inputs, so they must follow what the site has now.
        inputs = {name: state[name] for name in INPUTS if state.get(name) is not None}
        return dynamic.ReadResult(id_, state, inputs | {"inbox": inbox})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        inbox, site = _id.split("/", 1)
        EdgeMachine.from_environment().inbox(inbox).withdraw(site)


class EdgeBundle(dynamic.Resource, module="mandate", name="EdgeBundle"):
    """One site's signed configuration.

    `site`, `inbox`: names (lower-case DNS labels); `inbox` defaults to the site's own. `files`:
    relative path to text. `config`: anything JSON holds. `not_before`, `expires_at`: seconds since
    the epoch. `revision`: rises by itself with every change; give it where the site has already
    seen a higher one than this stack knows of.
    """

    site: pulumi.Output[str]
    inbox: pulumi.Output[str]
    revision: pulumi.Output[int]
    """What was delivered last."""
    key_id: pulumi.Output[str]
    """Who signed it."""
    content_digest: pulumi.Output[str]
    """Secret, because a bundle may hold a secret that is short enough to be guessed from it."""
    plan_hash: pulumi.Output[str]
    """Of the mandate it was delivered under, which the agent reads too; empty without one."""
    delivered: pulumi.Output[bool]

    def __init__(  # noqa: PLR0913  # one argument for each thing a site is told
        self,
        name: str,
        *,
        site: pulumi.Input[str],
        config: pulumi.Input[Mapping[str, Any]] | None = None,
        files: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        inbox: pulumi.Input[str] | None = None,
        not_before: pulumi.Input[int] | None = None,
        expires_at: pulumi.Input[int] | None = None,
        revision: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        given = {
            "site": site,
            "config": config,
            "files": files,
            "inbox": inbox,
            "not_before": not_before,
            "expires_at": expires_at,
            "revision": revision,
        }
        props: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        props |= dict.fromkeys(_COMPUTED) | props
        secret = pulumi.ResourceOptions(additional_secret_outputs=["content_digest"])
        super().__init__(
            EdgeBundleProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret)
        )


def _deliver(inputs: Mapping[str, Any]) -> dict[str, Any]:
    machine = EdgeMachine.from_environment()
    bundle = replace(_bundle(inputs), binding=current_binding())
    key = machine.signing_key()
    found = machine.inbox(inputs["inbox"]).deliver(sign_bundle(bundle, key), bundle.site)
    return dict(inputs) | _as_state(found) | {"key_id": key.key_id}


def _as_state(found: Delivered) -> dict[str, Any]:
    bundle = found.bundle
    return {
        "site": bundle.site,
        "files": dict(bundle.files),
        "config": dict(bundle.config),
        "not_before": bundle.not_before,
        "expires_at": bundle.expires_at,
        "revision": bundle.revision,
        "content_digest": to_hex(bundle.content_digest),
        "plan_hash": to_hex(bundle.binding.plan_hash) if bundle.binding else "",
        "delivered": True,
    }


def _bundle(inputs: Mapping[str, Any]) -> Bundle:
    return Bundle(
        inputs["site"],
        inputs["revision"],
        inputs["files"],
        inputs["config"],
        inputs["not_before"],
        inputs.get("expires_at"),
    )


def _next_revision(olds: Mapping[str, Any], news: Mapping[str, Any]) -> int:
    """One more than the last delivery where anything changes; a function of the state alone.

    Two checkouts therefore preview the same number. What the site itself has seen is asked only
    when the bundle is delivered.
    """
    last = int(olds.get("revision") or 0)
    if any(olds.get(name) != news.get(name) for name in REPLACES):
        return 1
    same = all(olds.get(name) == news.get(name) for name in CONTENT)
    return last if last and same else last + 1


def _name_failures(inputs: Mapping[str, Any]) -> list[dynamic.CheckFailure]:
    failures = []
    for name in ("site", "inbox"):
        if is_unknown(inputs.get(name)):
            continue
        try:
            checked_name(inputs.get(name), name)
        except UsageError as error:
            failures.append(dynamic.CheckFailure(name, f"{error.happened}. {error.meaning}"))
    return failures


def _content_failures(inputs: Mapping[str, Any]) -> list[dynamic.CheckFailure]:
    try:
        _bundle(inputs).to_bytes()
    except (UsageError, InvalidDocument) as error:
        return [dynamic.CheckFailure("config", error.happened)]
    return []
