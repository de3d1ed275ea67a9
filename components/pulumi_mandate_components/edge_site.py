"""`EdgeSite`: what one edge site's agent is told."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pulumi
from pydantic import Field

from pulumi_mandate import EdgeBundle

from ._args import Args, DataClass, Jurisdiction, Text

SiteName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Seconds = Annotated[int, Field(ge=0)]


class EdgeSiteArgs(Args):
    """`site`, `data_class` and `jurisdiction` are needed."""

    site: SiteName
    data_class: DataClass
    jurisdiction: Jurisdiction
    config: dict[str, Any] = Field(default_factory=dict)
    """Anything JSON holds; a value may come from another resource or be a secret."""
    files: dict[str, Text] = Field(default_factory=dict)
    """Relative path to text."""
    inbox: SiteName | None = None
    """The inbox of the agent; the site's own without it."""
    not_before: Seconds = 0
    expires_at: Seconds | None = None
    """Seconds since the epoch: outside them the agent does not act on this bundle."""
    revision: Annotated[int, Field(ge=1)] | None = None
    """Rises by itself; give it where the site has seen more than this stack knows of."""


class EdgeSite(pulumi.ComponentResource):
    """One site's signed bundle, delivered."""

    sensitive_inputs: ClassVar[frozenset[str]] = frozenset(
        {"site", "inbox", "data_class", "jurisdiction", "expires_at"}
    )
    """Arguments that decide who is told, under whose law, and for how long."""

    site: pulumi.Output[str]
    revision: pulumi.Output[int]

    def __init__(
        self, name: str, args: EdgeSiteArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Raises `UsageError` before anything is registered."""
        declared = {"data_class": args.data_class, "jurisdiction": args.jurisdiction}
        super().__init__("mandate:edge:EdgeSite", name, declared, opts)
        bundle = EdgeBundle(
            name,
            site=args.site,
            inbox=args.inbox,
            config=args.config,
            files=args.files,
            not_before=args.not_before,
            expires_at=args.expires_at,
            revision=args.revision,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.site, self.revision = bundle.site, bundle.revision
        self.register_outputs({"site": self.site, "revision": self.revision})
