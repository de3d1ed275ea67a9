"""Lists of checked links, for machines and for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ._output import Style

if TYPE_CHECKING:
    from ..audit.links import Link

brief_option = click.option("--brief", is_flag=True, help="Without the values that were compared.")


def links_as_data(links: Sequence[Link]) -> list[dict[str, Any]]:
    """One object per link; `evidence` holds what was compared."""
    return [
        {
            "name": link.name,
            "ok": link.ok,
            "detail": link.detail,
            "evidence": dict(link.evidence),
        }
        for link in links
    ]


def render_links(links: Sequence[Link], style: Style, *, brief: bool = False) -> str:
    """One line per link, and below it what was compared; of a link that holds, unless `brief`."""
    width = max((len(link.name) for link in links), default=0)
    lines: list[str] = []
    for link in links:
        mark = style.good("ok") if link.ok else style.bad("BROKEN")
        lines.append(f"{mark:<2}  {link.name:<{width}}  {link.detail}")
        if brief and link.ok:
            continue
        for name, value in link.evidence.items():
            lines.append(f"    {'':<{width}}  {style.quiet(f'{name} {value}')}")
    return "\n".join(lines)
