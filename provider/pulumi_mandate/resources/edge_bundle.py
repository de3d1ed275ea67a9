"""`EdgeBundle`: what one edge site is told, as a Pulumi resource.

The bundle is signed with the key of the machine that runs the update and put into an agent's inbox
(`pulumi_mandate.edge`). Where inboxes and keys are, the machine says; a program names neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import pulumi
from pydantic import AfterValidator, Field, model_validator

from pulumi_mandate.edge import Bundle, Delivered, EdgeMachine, sign_bundle
from pulumi_mandate.edge.bundle import checked_name
from pulumi_mandate.errors import InvalidDocument, Refused, UsageError
from pulumi_mandate.models import to_hex

from ._permit import Permit
from ._values import holds_unknown
from .governed import (
    Found,
    GovernedInputs,
    GovernedOutputs,
    GovernedProvider,
    GovernedResource,
    dumped,
)

CONTENT = ("site", "files", "config", "not_before", "expires_at")
REPLACES = ("site", "inbox")
_COMPUTED = ("inbox", "revision", "key_id", "content_digest", "plan_hash", "delivered")


def _name(value: str) -> str:
    try:
        return checked_name(value, "site")
    except UsageError as error:
        raise ValueError(f"site is not a name. {error.meaning}") from None


Name = Annotated[str, AfterValidator(_name)]


class EdgeBundleInputs(GovernedInputs):
    """What a plan shows of a bundle. What an agent would not take is refused here already."""

    site: Name
    inbox: Name
    files: dict[str, str] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    not_before: int = 0
    expires_at: int | None = None
    revision: int
    """Follows from the last one delivered, where the program does not say."""

    @model_validator(mode="after")
    def _agent_takes_it(self) -> EdgeBundleInputs:
        content = dict(self)
        if not holds_unknown(content):
            try:
                _bundle(content).to_bytes()
            except (UsageError, InvalidDocument) as error:
                raise ValueError(error.happened) from None
        return self


class EdgeBundleOutputs(GovernedOutputs):
    """What the delivery adds."""

    key_id: str
    content_digest: str
    plan_hash: str
    delivered: bool


class EdgeBundleProvider(GovernedProvider[EdgeBundleInputs, EdgeBundleOutputs]):
    """Create, read, update, replace and delete of a delivered bundle.

    The revision is the token: an inbox takes the same bundle twice and keeps one.
    """

    model = EdgeBundleInputs
    replaced_by: ClassVar[frozenset[str]] = frozenset(REPLACES)
    blamed = "config"

    def complete(self, olds: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the program left open; the revision follows from the last one delivered."""
        inputs = dict(given)
        if "site" in given:
            inputs.setdefault("inbox", given["site"])
        if "revision" not in inputs:
            inputs["revision"] = _next_revision(olds, inputs)
        return inputs

    def needs_repair(self, state: Mapping[str, Any]) -> bool:
        """A refresh found the inbox altered."""
        return state.get("delivered") is False

    def make(self, inputs: EdgeBundleInputs, permit: Permit) -> tuple[str, EdgeBundleOutputs]:
        return f"{inputs.inbox}/{inputs.site}", _deliver(inputs, permit)

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: EdgeBundleInputs, permit: Permit
    ) -> EdgeBundleOutputs:
        return _deliver(inputs, permit)

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[EdgeBundleOutputs] | None:
        """What the inbox holds; a bundle that cannot be believed is drift, not truth."""
        inbox, site = id_.split("/", 1)
        known = {name: state[name] for name in self.model.model_fields if name in state}
        try:
            found = EdgeMachine.from_environment().inbox(inbox).stored(site)
        except (Refused, InvalidDocument):
            told = {
                name: str(state.get(name, "")) for name in ("key_id", "content_digest", "plan_hash")
            }
            return Found(known, EdgeBundleOutputs(**told, delivered=False))
        if found is None:
            return None
        # The next revision is counted from the inputs, so they must follow what the site has now.
        there = {name: value for name, value in _inputs_of(found).items() if value is not None}
        known.pop("expires_at", None)
        return Found(known | there, _outputs(found, str(state.get("key_id", ""))))

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        inbox, site = id_.split("/", 1)
        EdgeMachine.from_environment().inbox(inbox).withdraw(site)


class EdgeBundle(GovernedResource, module="mandate", name="EdgeBundle"):
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


def _deliver(inputs: EdgeBundleInputs, permit: Permit) -> EdgeBundleOutputs:
    machine = EdgeMachine.from_environment()
    bundle = replace(_bundle(dumped(inputs)), binding=permit.binding)
    key = machine.signing_key()
    found = machine.inbox(inputs.inbox).deliver(sign_bundle(bundle, key), bundle.site)
    return _outputs(found, key.key_id)


def _inputs_of(found: Delivered) -> dict[str, Any]:
    bundle = found.bundle
    return {
        "site": bundle.site,
        "files": dict(bundle.files),
        "config": dict(bundle.config),
        "not_before": bundle.not_before,
        "expires_at": bundle.expires_at,
        "revision": bundle.revision,
    }


def _outputs(found: Delivered, key_id: str) -> EdgeBundleOutputs:
    bundle = found.bundle
    return EdgeBundleOutputs(
        key_id=key_id,
        content_digest=to_hex(bundle.content_digest),
        plan_hash=to_hex(bundle.binding.plan_hash) if bundle.binding else "",
        delivered=True,
    )


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
