"""What all our dynamic providers share: typed inputs, honest check and diff, errors in one shape.

A provider names its input model and the inputs that need a replacement, and writes four methods:
`make`, `look`, `change` and `remove`. Everything about Pulumi's property bags happens here.

The provider object is pickled into the program's state as `__provider`. Ours hold nothing, live in
importable modules and so pickle by reference: the bytes are the same on every machine, they are no
secret, and a plan that contains them can be compared. Never give a provider an attribute.

Unknown values: in a preview an input may not be known yet. Its field is then not judged, and a diff
counts it as changed; everything else is checked as usual. In `create` and `update` all is known.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import EngineError
from ._values import holds_unknown, plain

IDENTITY = "identity"
"""The input that says which resource of which stack this is; see `identity_of`."""


class GovernedInputs(BaseModel):
    """Base of every input model: strict types, unknown members refused, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    identity: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    """Made by the resource class: the same on every machine, another one for every resource."""


Inputs = TypeVar("Inputs", bound=GovernedInputs)


class GovernedProvider(ResourceProvider, Generic[Inputs]):
    """A dynamic provider with pydantic inputs. State is: the inputs, and the outputs of `look`."""

    serialize_as_secret_always = False
    model: ClassVar[type[GovernedInputs]]
    """The input model."""
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Inputs that cannot change in place."""
    name_of: ClassVar[str] = ""
    """The input that must be unique in the cloud, if any: where a replacement keeps it, the old
    resource has to go first."""

    @abstractmethod
    def make(self, inputs: Inputs) -> tuple[str, dict[str, Any]]:
        """Create it; give the id and the outputs. May be called again after a crash half way."""

    @abstractmethod
    def look(self, id_: str, state: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is really there: inputs and outputs as found; None where it is gone."""

    @abstractmethod
    def change(self, id_: str, old: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """Bring it to `inputs`; give the outputs."""

    @abstractmethod
    def remove(self, id_: str, state: Mapping[str, Any]) -> None:
        """Delete it; a thing already gone is success."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Errors become one `CheckFailure` a property; defaults are written out.

        Written out, because the plan then shows what the cloud will be told, and a new default in a
        new version of ours is a visible change.
        """
        given = plain(news)
        unknown = {name for name, value in given.items() if holds_unknown(value)}
        try:
            inputs = self.model.model_validate(given)
        except ValidationError as error:
            failures = [
                CheckFailure(".".join(str(part) for part in found["loc"]), found["msg"])
                for found in error.errors(include_input=False, include_url=False)
                if not (found["loc"] and found["loc"][0] in unknown)
            ]
            return CheckResult(self._with_defaults(given), failures)
        if unknown:
            return CheckResult(self._with_defaults(given), [])
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
            changes=bool(changed),
            replaces=replaces,
            stables=[],
            delete_before_replace=bool(replaces) and collides,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = self._parsed(props)
        id_, outputs = self.make(inputs)
        return CreateResult(id_, dumped(inputs) | outputs)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        found = self.look(id_, plain(props))
        if found is None:
            return ReadResult("", {})  # the engine's sign for "gone"
        if IDENTITY in props:
            found = found | {IDENTITY: props[IDENTITY]}
        inputs = {name: found[name] for name in self.model.model_fields if name in found}
        return ReadResult(id_, found, inputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        inputs = self._parsed(_news)
        return UpdateResult(dumped(inputs) | self.change(_id, plain(_olds), inputs))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        self.remove(_id, plain(_props))

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


def dumped(inputs: GovernedInputs) -> dict[str, Any]:
    """The inputs as a property bag; an absent value and None are the same thing to the engine."""
    return inputs.model_dump(mode="json", exclude_none=True)


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
