from __future__ import annotations

import os
import threading

import pytest

from pulumi_mandate.edge import Binding, Bundle, sign_bundle
from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import keccak

SITE = "store-17"


@pytest.fixture
def inbox(machine):
    return machine.inbox("stores")


@pytest.fixture
def deliver(inbox, key):
    def send(revision, *keys, site=SITE, **members):
        return inbox.deliver(
            sign_bundle(Bundle(site, revision, **members), *(keys or (key,))), site
        )

    return send


def test_a_delivery_is_what_the_agent_accepts(inbox, deliver):
    assert inbox.accept(SITE) is None

    deliver(1, config={"shelf": 3})

    assert inbox.accept(SITE) == Bundle(SITE, 1, config={"shelf": 3})


def test_a_newer_revision_succeeds_an_older_one(inbox, deliver):
    deliver(1)
    deliver(7)

    assert inbox.accept(SITE).revision == 7
    assert inbox.highest_revision(SITE) == 7


def test_an_older_revision_is_refused_at_the_door(inbox, deliver):
    deliver(7)

    with pytest.raises(Refused, match="older") as refused:
        deliver(6)

    assert refused.value.found == "6"
    assert inbox.accept(SITE).revision == 7


def test_an_old_bundle_put_back_by_hand_is_refused_by_the_agent(inbox, deliver):
    old = deliver(6).path.read_bytes()
    deliver(7).path.write_bytes(old)

    with pytest.raises(Refused, match="older"):
        inbox.accept(SITE)


def test_emptying_the_whole_inbox_does_not_make_it_forget(machine, inbox, deliver):
    old = deliver(6)
    data = old.path.read_bytes()
    deliver(7)
    inbox.withdraw(SITE)
    assert inbox.accept(SITE) is None

    old.path.write_bytes(data)

    with pytest.raises(Refused, match="older"):
        inbox.accept(SITE)
    with pytest.raises(Refused, match="older"):
        deliver(6)


def test_one_revision_means_one_content(deliver):
    deliver(7, config={"x": 1})
    deliver(7, config={"x": 1})

    with pytest.raises(Refused, match="another bundle with the revision"):
        deliver(7, config={"x": 2})


def test_the_same_content_under_another_mandate_is_the_same_delivery(inbox, deliver):
    deliver(7)
    again = Binding(keccak(b"plan"), keccak(b"run"), 1, "0x" + "00" * 20)

    deliver(7, binding=again)

    assert inbox.accept(SITE).binding == again


def test_a_strangers_bundle_changes_nothing(inbox, deliver, stranger):
    deliver(1)

    with pytest.raises(Refused, match="not signed by enough"):
        deliver(2, stranger)

    assert inbox.accept(SITE).revision == 1


def test_a_bundle_for_another_site_is_not_accepted_under_this_name(inbox, key):
    envelope = sign_bundle(Bundle("store-18", 1), key)

    with pytest.raises(Refused, match="another site"):
        inbox.deliver(envelope, SITE)


def test_sites_and_inboxes_have_their_own_marks(machine, inbox, deliver, key):
    deliver(7)
    deliver(1, site="store-18")
    machine.inbox("others").deliver(sign_bundle(Bundle(SITE, 1), key), SITE)

    assert inbox.highest_revision(SITE) == 7
    assert machine.inbox("others").highest_revision(SITE) == 1


@pytest.mark.parametrize("now", [9, 20])
def test_outside_its_window_the_agent_gets_nothing(inbox, deliver, now):
    deliver(1, not_before=10, expires_at=20)

    assert inbox.accept(SITE, 10) is not None
    with pytest.raises(Refused, match="outside its window"):
        inbox.accept(SITE, now)


def test_a_lost_mark_is_rebuilt_from_the_inbox_but_a_broken_one_refuses(machine, inbox, deliver):
    deliver(7)
    mark = machine.marks / "stores" / f"{SITE}.json"

    mark.unlink()
    inbox.accept(SITE)
    assert inbox.highest_revision(SITE) == 7

    for broken in ("{", "[" * 200_000):
        mark.write_text(broken)
        for ask in (lambda: deliver(8), lambda: inbox.accept(SITE)):
            with pytest.raises(Refused, match="cannot be read"):
                ask()


def test_nothing_half_written_is_ever_seen_and_nothing_is_left_behind(inbox, deliver, monkeypatch):
    before = deliver(1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MandateError, match="No space left"):
        deliver(2)
    monkeypatch.undo()

    assert inbox.accept(SITE).revision == 1
    assert [path.name for path in before.path.parent.iterdir()] == [before.path.name]
    assert deliver(2).bundle.revision == 2


def test_files_and_folders_belong_to_this_user_alone(inbox, deliver):
    path = deliver(1).path

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_many_deliveries_at_once_end_with_the_highest(inbox, deliver):
    def try_to(revision):
        try:
            deliver(revision)
        except Refused as refused:
            outcomes.append(refused)

    outcomes: list[Refused] = []
    threads = [threading.Thread(target=try_to, args=(n,)) for n in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert inbox.accept(SITE).revision == 12
    assert inbox.highest_revision(SITE) == 12
