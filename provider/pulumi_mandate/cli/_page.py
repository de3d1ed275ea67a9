"""The option that writes a plan as one page, for the commands that show a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError

if TYPE_CHECKING:
    from ..plan.document import Document
    from ._session import Session

html_option = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write one page that recomputes the hash in any browser.",
)


def write_page(session: Session, document: Document, file: Path | None) -> None:
    """Write the page, if one is wanted. Raises `UsageError` where it cannot be written."""
    if file is None:
        return
    from ..console.page import render_page

    try:
        file.write_text(render_page(document, session.domain), encoding="ascii")
    except OSError as error:
        raise UsageError(f"the page cannot be written to {file}: {error.strerror}") from None
