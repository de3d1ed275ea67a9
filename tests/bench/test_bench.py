"""The benchmarks still run, at their smallest size; how long they take is not judged here."""

from __future__ import annotations

import pytest

from tests.bench import bench_gas, bench_plan, bench_up


def test_the_plan_bench_prints_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    bench_plan.main([1, 2])

    head, *rows = capsys.readouterr().out.splitlines()
    assert head == bench_plan.HEAD
    assert [row.split()[0] for row in rows] == ["1", "2"]
    assert all(len(row.split("|")) == len(head.split("|")) for row in rows)


@pytest.mark.engine
@pytest.mark.chain
def test_the_up_bench_runs_each_way_and_says_what_it_does(
    capfd: pytest.CaptureFixture[str],
) -> None:
    # `up` and `skip` are within `policy` and `hooks`, and `govern` within what `mandate` runs.
    seconds = {way: bench_up.measure(1, way) for way in ("policy", "hooks", "mandate")}

    assert all(value > 0 for value in seconds.values())
    told = capfd.readouterr()
    assert "… 1 resources, hooks: up" in told.err
    assert "… 1 resources, mandate: previewing and voting" in told.err
    assert told.out == "", "figures only, and `main` prints these"


def test_the_up_bench_compares_each_way_with_its_peer() -> None:
    seconds = dict.fromkeys(bench_up.ORDER, 2.0) | {"mandate": 1.0}
    count, *cells = bench_up.row(10, seconds).split()

    assert len(cells) == len(bench_up.ORDER) + len(bench_up.PEERS)
    assert (count, cells[-len(bench_up.PEERS)]) == ("10", "0.50")
    assert bench_up.PEERS.keys() | set(bench_up.PEERS.values()) == set(bench_up.ORDER)


@pytest.mark.engine
def test_the_first_line_of_a_program_is_timed() -> None:
    assert 0 < bench_up.bench_start(rounds=1) < 60


@pytest.mark.parametrize("flushed", [False, True])
def test_one_check_in_a_hook_is_timed(flushed: bool) -> None:
    middle, slowest = bench_up.bench_check(3, flushed=flushed)

    assert 0 < middle <= slowest < 10


@pytest.mark.chain
def test_the_gas_bench_shows_both_sides_and_where_the_gas_of_begin_goes() -> None:
    found = bench_gas.measure()

    assert sum(found.begin.values()) == found.ours["begin"]
    assert all(gas > 0 for gas in found.begin.values())
    assert set(found.ours) == set(bench_gas.GOALS)
    printed = bench_gas.table(found)
    assert f"{found.baseline['propose']:,}" in printed
    assert f"{found.ours['the whole round']:,}" in printed
    over = {name for name, goal in bench_gas.GOALS.items() if goal and found.ours[name] > goal}
    assert printed.count("over by") == len(over)
