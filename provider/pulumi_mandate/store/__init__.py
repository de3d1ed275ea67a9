"""Where documents lie: by the keccak of their bytes, so that readers trust the hash, not the place.

The store is access-controlled by whoever owns the place; what a document may show to its readers is
decided when it is built (secrets are commitments).
"""

from ._directory import DirectoryStore
from .interface import PlanStore, open_store

__all__ = ["DirectoryStore", "PlanStore", "open_store"]
