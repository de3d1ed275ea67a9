"""Running `pulumi up`, and telling afterwards what became of it."""

from __future__ import annotations
