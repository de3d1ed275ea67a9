"""Where the rules of a digest are: shipped with this package, or kept in the plan store.

The chain names a digest, so it does not matter who put the file there. Every rule set under which
something was proposed is kept, so that old plans can be judged again for ever.
"""

from __future__ import annotations

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.models import Digest, to_hex
from pulumi_mandate.store import PlanStore

from .rules import Rules


def find_rules(digest: Digest, store: PlanStore) -> Rules | None:
    """The rules with this digest; None where neither this package nor the store has them."""
    shipped = Rules.load()
    if digest == shipped.digest:
        return shipped
    try:
        return Rules.stored(store.get(digest))
    except (Refused, UsageError):
        return None


def require_rules(digest: Digest, store: PlanStore) -> Rules:
    """As `find_rules`. Raises `Refused` (5) where they are nowhere: nobody can judge without."""
    found = find_rules(digest, store)
    if found is None:
        raise Refused(
            5,
            "the rules that the subject's config on chain names are not in the plan store",
            field="rules",
            expected=to_hex(digest),
            found="no such file",
            meaning="Nothing can be judged without them.",
            next_step="mandate rules digest FILE --keep",
        )
    return found
