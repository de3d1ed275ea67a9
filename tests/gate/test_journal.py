"""The journal survives crashes and notices edits."""

import pytest

from pulumi_mandate.errors import MandateError
from pulumi_mandate.gate.journal import ALLOWED, REFUSED, Entry, Journal

FIRST = Entry(ALLOWED, "create", "urn:a", 0, resolved=((".x", "0x00"),))
SECOND = Entry(REFUSED, "delete", "urn:b\n", -1, "not in the plan")


def test_entries_come_back_in_order(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(FIRST)
    journal.append(SECOND)

    assert Journal(tmp_path / "j").entries() == [FIRST, SECOND]
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0


def test_no_file_is_no_entries(tmp_path):
    assert Journal(tmp_path / "j").entries() == []


def test_a_line_cut_off_by_a_crash_was_never_answered(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(FIRST)
    journal.append(SECOND)
    raw = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(raw[:-5])

    assert journal.entries() == [FIRST]


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(FIRST)
    journal.append(SECOND)
    raw = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(b"x" + raw)

    with pytest.raises(MandateError, match="line 1"):
        journal.entries()
