"""Everything the development chain ever did, on disk before it happens.

One row per block, in one SQLite file (WAL, synchronous FULL). anvil is deterministic: the same
genesis, the same raw transactions and the same timestamps give the same block hashes, so replaying
the rows rebuilds the chain and the stored hashes prove that it is the same one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_mandate.dev.anvil import Genesis
from pulumi_mandate.errors import ChainError
from pulumi_mandate.models import Digest, digest

VERSION = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    raw BLOB,            -- the signed transaction that the block holds; NULL for an empty block
    credit_to TEXT,      -- an address whose balance is set just before the block
    credit_wei TEXT,
    hash BLOB            -- NULL until the block is mined
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """Gas money for one address. Only the development chain hands it out."""

    address: str
    wei: int
    """The new balance, not an addition."""


@dataclass(frozen=True, slots=True)
class Block:
    """One row: what to do to get the block, and the hash it had."""

    number: int
    timestamp: int
    raw: bytes | None = None
    credit: Credit | None = None
    hash: Digest | None = None
    """None: written down, and perhaps never mined."""


class Journal:
    """The file. Not thread-safe; one process holds it (see `chain_service`)."""

    def __init__(self, path: Path, genesis: Genesis) -> None:
        """Open or create. An existing file keeps its own genesis; `genesis` is for a new one.

        Raises `ChainError` where the file is not a journal of this version.
        """
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._found(genesis)
        except sqlite3.DatabaseError as error:
            raise ChainError(
                f"{path} is not a chain journal: {error}",
                next_step="restore it from a copy, or start a new chain in another folder",
            ) from error
        if self.fact("version") != VERSION:
            raise ChainError(
                f"{path} was written by another version of the journal ({self.fact('version')})",
                next_step="use the release that wrote it, or start a new chain in another folder",
            )

    def _found(self, genesis: Genesis) -> None:
        rows = {
            "version": VERSION,
            "chain_id": str(genesis.chain_id),
            "genesis_timestamp": str(genesis.timestamp),
            "hardfork": genesis.hardfork,
            "offset": "0",
        }
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", rows.items())

    @property
    def genesis(self) -> Genesis:
        return Genesis(
            int(self._required("chain_id")),
            int(self._required("genesis_timestamp")),
            self._required("hardfork"),
        )

    @property
    def offset(self) -> int:
        """Seconds by which chain time runs ahead of the wall clock."""
        return int(self._required("offset"))

    def fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Write one fact down, durably."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def append(self, blocks: Iterable[Block], *, offset: int | None = None) -> None:
        """Make the intention durable. Returns only when it is on disk; call it before mining."""
        with self._transaction():
            for block in blocks:
                self._db.execute(
                    "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, NULL)",
                    (
                        block.number,
                        block.timestamp,
                        block.raw,
                        block.credit.address if block.credit else None,
                        str(block.credit.wei) if block.credit else None,
                    ),
                )
            if offset is not None:
                self.remember("offset", str(offset))

    def settle(self, hashes: Mapping[int, Digest]) -> None:
        """Store the hashes of blocks that are mined now."""
        with self._transaction():
            self._db.executemany(
                "UPDATE blocks SET hash = ? WHERE number = ?",
                [(bytes(value), number) for number, value in hashes.items()],
            )

    def blocks(self) -> Iterator[Block]:
        """All rows, oldest first. Raises `ChainError` where one is missing in the middle."""
        rows = self._db.execute("SELECT * FROM blocks ORDER BY number").fetchall()
        for expected, (number, timestamp, raw, to, wei, stored) in enumerate(rows, start=1):
            if number != expected:
                raise ChainError(
                    f"the chain journal lacks block {expected}",
                    meaning="a chain with a hole cannot be rebuilt",
                    next_step=f"restore {self._path.name} from a copy",
                )
            credit = Credit(to, int(wei)) if to is not None else None
            yield Block(number, timestamp, raw, credit, None if stored is None else digest(stored))

    def close(self) -> None:
        self._db.close()

    def _required(self, name: str) -> str:
        value = self.fact(name)
        if value is None:
            raise ChainError(
                f"the chain journal lacks `{name}`", next_step="restore it from a copy"
            )
        return value

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, with ROLLBACK on any error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
