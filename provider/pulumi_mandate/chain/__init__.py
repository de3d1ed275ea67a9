"""What the chain says, and how much of it is believed. Start with `client.ChainClient`."""

from .client import ChainClient
from .trust import Trust, load_trust
from .values import Account, BlockRef, Contract, Log, Receipt, Sent

__all__ = [
    "Account",
    "BlockRef",
    "ChainClient",
    "Contract",
    "Log",
    "Receipt",
    "Sent",
    "Trust",
    "load_trust",
]
