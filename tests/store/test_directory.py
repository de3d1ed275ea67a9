"""A store is believed for its hashes and for nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pulumi_mandate.errors import InvalidDocument, Refused, UsageError
from pulumi_mandate.models import keccak
from pulumi_mandate.store import PlanStore, open_store

DATA = b'{"a":1}'


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    return open_store((tmp_path / "a store").as_uri())


def _file(tmp_path: Path) -> Path:
    return next((tmp_path / "a store" / "documents").glob("*.json"))


def test_what_is_put_comes_back_by_its_hash(store: PlanStore, tmp_path: Path) -> None:
    document = store.put(DATA)

    assert document == keccak(DATA) == store.put(DATA)
    assert store.get(document) == DATA
    assert stat.S_IMODE(_file(tmp_path).stat().st_mode) == 0o600
    assert len(list((tmp_path / "a store" / "documents").iterdir())) == 1


def test_a_missing_document_is_refused_with_what_it_means(store: PlanStore) -> None:
    with pytest.raises(Refused, match="is not in the store") as caught:
        store.get(keccak(b"never stored"))

    assert caught.value.exit_code == 3
    assert "propose again" in caught.value.diagnostics()


def test_a_changed_file_is_refused_and_repaired_by_the_right_bytes(
    store: PlanStore, tmp_path: Path
) -> None:
    document = store.put(DATA)
    _file(tmp_path).write_bytes(b'{"a":2}')

    with pytest.raises(InvalidDocument, match="does not hash to its own name"):
        store.get(document)
    store.put(DATA)
    assert store.get(document) == DATA


def test_links_are_hints_that_never_change(store: PlanStore) -> None:
    plan, document = keccak(b"plan"), store.put(DATA)

    assert store.document_of(plan) is None
    store.link(plan, document)
    store.link(plan, document)
    assert store.document_of(plan) == document
    with pytest.raises(Refused, match="already has another document"):
        store.link(plan, keccak(b"other"))


def test_a_damaged_link_is_refused(store: PlanStore, tmp_path: Path) -> None:
    plan = keccak(b"plan")
    store.link(plan, store.put(DATA))
    (tmp_path / "a store" / "plans" / plan.hex()).write_text("0x12")

    with pytest.raises(InvalidDocument, match="damaged"):
        store.document_of(plan)


def test_a_write_that_fails_leaves_nothing_behind(
    store: PlanStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        store.put(DATA)

    assert list((tmp_path / "a store" / "documents").iterdir()) == []


def test_a_short_digest_is_refused(store: PlanStore) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        store.get(b"\x12")  # type: ignore[arg-type]


@pytest.mark.parametrize("uri", ["", "/tmp/x", "s3://bucket/x", "file://host/x", "file:"])
def test_another_kind_of_store_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="not of a kind we know"):
        open_store(uri)
