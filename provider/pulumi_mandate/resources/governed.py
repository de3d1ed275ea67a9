"""What all governed dynamic providers share: typed inputs and outputs, the gate inside, one shape.

A provider names its input model and the inputs that need a replacement, and writes four methods:
`make`, `look`, `change` and `remove`. Everything about Pulumi's property bags happens here, and so
does the gate: the engine's create, update and delete take a permit (`_permit`) before the method is
called, and a subclass cannot put itself in between. docs/reference/governed-providers.md shows how
to write one.

The provider object is pickled into the program's state as `__provider`. Ours hold nothing, live in
importable modules and so pickle by reference: the bytes are the same on every machine, they are no
secret, and a plan that contains them can be compared. Never give a provider an attribute.

Unknown values: in a preview an input may not be known yet. Its field is then not judged, and a diff
counts it as changed; everything else is checked as usual. In `create` and `update` all is known.
"""

from __future__ import annotations

import hashlib
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, final

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import EngineError, UsageError
from ._patience import within
from ._permit import Permit, permit_for
from ._values import holds_unknown, plain

IDENTITY = "identity"
"""The input that says which resource of which stack this is; see `identity_of`."""


class GovernedInputs(BaseModel):
    """Base of every input model: strict types, unknown members refused, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    identity: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    """Made by the resource class: the same on every machine, another one for every resource."""


class GovernedOutputs(BaseModel):
    """Base of every output model: what only the cloud knows, beside the inputs."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


Inputs = TypeVar("Inputs", bound=GovernedInputs)
Outputs = TypeVar("Outputs", bound=GovernedOutputs)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Found(Generic[Outputs]):
    """What is really there."""

    inputs: Mapping[str, Any]
    """As found, so no model of ours: somebody may have set what no plan could."""
    outputs: Outputs


class GovernedProvider(ResourceProvider, Generic[Inputs, Outputs]):
    """A dynamic provider behind the gate. Its state is the inputs and the outputs together."""

    serialize_as_secret_always = False
    model: ClassVar[type[GovernedInputs]]
    """The input model."""
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Inputs that cannot change in place."""
    name_of: ClassVar[str] = ""
    """The input that must be unique in the cloud, if any: where a replacement keeps it, the old
    resource has to go first."""
    patience: ClassVar[float] = 3600
    """Seconds for one call of `make`, `look`, `change` or `remove`. Of the three that change
    something, a resource's `custom_timeouts` says otherwise, under a mandate."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if past := sorted(_GATED & vars(cls).keys()):
            raise TypeError(f"{cls.__name__} defines {past[0]}, which would go past the gate")

    @abstractmethod
    def make(self, inputs: Inputs, permit: Permit) -> tuple[str, Outputs]:
        """Create it; give the id and the outputs.

        May be called again after a crash half way, then with the same `permit.key`: what bears it
        is to be taken up and not made twice.
        """

    @abstractmethod
    def look(self, id_: str, state: Mapping[str, Any]) -> Found[Outputs] | None:
        """What is really there; None where it is gone. Changes nothing."""

    @abstractmethod
    def change(self, id_: str, old: Mapping[str, Any], inputs: Inputs, permit: Permit) -> Outputs:
        """Bring it to `inputs`; give the outputs. Twice is once."""

    @abstractmethod
    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        """Delete it; a thing already gone is success."""

    def complete(self, olds: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """The inputs with those that follow from others, so that voters see them.

        Called before the model judges; values may be unknown. Raises `UsageError` for what can
        never be done, which becomes a failure of `blamed`.
        """
        del olds
        return given

    blamed: ClassVar[str] = ""
    """The input at which a failure is shown that belongs to no single one."""

    def needs_repair(self, state: Mapping[str, Any]) -> bool:
        """Whether the state, after a refresh, asks for an update although no input changed."""
        del state
        return False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Errors become one `CheckFailure` a property; defaults are written out.

        Written out, because the plan then shows what the cloud will be told, and a new default in a
        new version of ours is a visible change.
        """
        given = self._with_defaults(plain(news))
        try:
            given = self.complete(plain(_olds), given)
        except UsageError as error:
            reason = f"{error.happened}. {error.meaning}".strip()
            return CheckResult(given, [CheckFailure(self.blamed, reason)])
        unknown = {name for name, value in given.items() if holds_unknown(value)}
        try:
            inputs = self.model.model_validate(given)
        except ValidationError as error:
            failures = [
                CheckFailure(
                    ".".join(str(part) for part in found["loc"]) or self.blamed, found["msg"]
                )
                for found in error.errors(include_input=False, include_url=False)
                if not (found["loc"] and found["loc"][0] in unknown)
            ]
            return CheckResult(given, failures)
        if unknown:
            return CheckResult(given, [])
        return CheckResult(dumped(inputs), [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the inputs with the state, which `read` keeps true to the cloud."""
        fields = [name for name in self.model.model_fields if name != IDENTITY]
        olds, news = plain(_olds), plain(_news)
        changed = [
            name
            for name in fields
            if olds.get(name) != news.get(name) or holds_unknown(news.get(name))
        ]
        replaces = [name for name in changed if name in self.replaced_by]
        collides = bool(self.name_of) and olds.get(self.name_of) == news.get(self.name_of)
        return DiffResult(
            changes=bool(changed) or self.needs_repair(olds),
            replaces=replaces,
            stables=[],
            delete_before_replace=bool(replaces) and collides,
        )

    @final
    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs, permit = self._parsed(props), permit_for("create", "", props)
        id_, outputs = self._waited("create", permit, lambda: self.make(inputs, permit))
        return CreateResult(id_, dumped(inputs) | dumped(outputs))

    @final
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        found = self._waited("read", Permit(), lambda: self.look(id_, plain(props)))
        if found is None:
            print(f"{id_} is gone from where this stack had put it", file=sys.stderr)
            return ReadResult("", {})  # the engine's sign for "gone"
        state = dict(found.inputs) | dumped(found.outputs)
        if IDENTITY in props:
            state |= {IDENTITY: props[IDENTITY]}
        inputs = {name: state[name] for name in self.model.model_fields if name in state}
        return ReadResult(id_, state, inputs)

    @final
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        inputs, permit, old = self._parsed(_news), permit_for("update", _id, _news), plain(_olds)
        outputs = self._waited("update", permit, lambda: self.change(_id, old, inputs, permit))
        return UpdateResult(dumped(inputs) | dumped(outputs))

    @final
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        permit = permit_for("delete", _id, _props)
        self._waited("delete", permit, lambda: self.remove(_id, plain(_props), permit))

    def _waited(self, moment: str, permit: Permit, act: Callable[[], Made]) -> Made:
        return within(permit.seconds or self.patience, f"{moment} by {type(self).__name__}", act)

    def _parsed(self, props: Mapping[str, Any]) -> Inputs:
        known = {
            name: value
            for name, value in plain(dict(props)).items()
            if name in self.model.model_fields
        }
        if holds_unknown(known):
            raise EngineError("an input is still unknown, so nothing is created or changed")
        try:
            return self.model.model_validate(known)  # type: ignore[return-value]
        except ValidationError as error:
            # the engine checks first; only a stack edited by hand gets here
            raise EngineError(f"{error.error_count()} inputs are not valid: {error}") from None

    def _with_defaults(self, given: Mapping[str, Any]) -> dict[str, Any]:
        filled = dict(given)
        for name, field in self.model.model_fields.items():
            if name not in filled and not field.is_required():
                filled[name] = _bag(field.get_default(call_default_factory=True))
        return {name: value for name, value in filled.items() if value is not None}


_GATED = frozenset({"create", "read", "update", "delete"})


class GovernedResource(Resource):
    """A resource of a `GovernedProvider`. Subclass it with `module=` and `name=`, as `Resource`.

    `props` are the inputs, and None for each output. Adds the identity by which two resources with
    equal inputs are told apart.
    """

    def __init__(
        self,
        provider: GovernedProvider[Any, Any],
        name: str,
        props: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        identity = identity_of(self._resource_type_name, name, opts)
        super().__init__(provider, name, {**props, IDENTITY: identity}, opts)


def dumped(values: GovernedInputs | GovernedOutputs) -> dict[str, Any]:
    """A model as a property bag; an absent value and None are the same thing to the engine."""
    return values.model_dump(mode="json", exclude_none=True)


def identity_of(type_name: str, name: str, opts: pulumi.ResourceOptions | None) -> str:
    """32 hex digits that differ for every resource and are the same on every machine.

    The cloud is given them as idempotency token, so that a create which was cut off half way is
    found again instead of done twice.
    """
    parts = (pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack(), type_name, name)
    parent = opts.parent if opts is not None else None
    if parent is None:
        return _identity(*parts)
    # Not the parent's URN: an input that waits for a component waits for the component's children,
    # and so for itself.
    return _identity(*parts, parent.pulumi_resource_type, parent.pulumi_resource_name)


def _identity(*parts: str) -> str:
    # the length keeps ("a", "bc") and ("ab", "c") apart
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _bag(value: Any) -> Any:
    return (
        value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
    )
