from bench.access import results
from bench.access.results import Handler, Result, Settled
from bench.access.workload import Size
from bench.document import Target, target_table
from bench.processes import Cost

SMALL, LARGE = Size(20, 50), Size(80, 100)
HANDLER = Handler(zip_bytes=1_600_000, from_source=(0.4, 0.31, 0.5), compiled=(0.1, 0.2, 0.1))


def result(tool: str, first: list[float], again: list[float], size: Size = SMALL) -> Result:
    return Result(tool, size, costs(first), costs(again), START)


def costs(walls: list[float]) -> tuple[Cost, ...]:
    return tuple(Cost(wall, cpu=wall / 2) for wall in walls)


START = costs([0.05, 0.05])
OURS = result("db_bootstrap", [0.2, 0.1, 0.9], [0.1, 0.1])
SLOW = result("tortoise 1.0", [4, 4, 4], [1.0, 1.0])
FAST = result("hare 2.0", [1.0, 2.0, 0.4], [2.0, 0.2])


def met(targets: tuple[Target, ...]) -> dict[str, bool]:
    return {target.name: target.is_met for target in targets}


def test_the_comparison_has_a_line_for_each_tool_and_says_how_many_times_as_long_it_takes() -> None:
    lines = results.comparison([OURS, SLOW, FAST]).splitlines()
    assert lines[2] == "| 20x50 | db_bootstrap | 0.2 (0.1 to 0.9) | 1.0 | 0.1 (0.1 to 0.1) | 1.0 |"
    assert lines[3] == "| 20x50 | tortoise 1.0 | 4 (4 to 4) | 40.0 | 1 (1 to 1) | 10.0 |"
    assert lines[4] == "| 20x50 | hare 2.0 | 1 (0.4 to 2) | 4.0 | 1.1 (0.2 to 2) | 2.0 |"


def test_a_tool_is_compared_with_ours_of_the_same_size() -> None:
    larger = result("db_bootstrap", [1.0], [1.0], LARGE), result("hare 2.0", [3.0], [2.0], LARGE)
    last = results.comparison([OURS, FAST, *larger]).splitlines()[-1]
    assert last == "| 80x100 | hare 2.0 | 3 (3 to 3) | 3.0 | 2 (2 to 2) | 2.0 |"


def test_a_target_is_held_against_the_faster_peer_of_each_kind() -> None:
    settled = [Settled(SMALL, (0.2,), (0.02,), (0.01,))]
    found = results.targets([OURS, SLOW, FAST], settled, HANDLER, queries=9)
    assert [(target.name, target.measured) for target in found[:3]] == [
        ("20x50: first apply, against the faster peer", "4.0 times"),
        ("20x50: nothing to do, against the faster peer", "2.0 times"),
        ("20x50: the same, less the start of each tool", "3.0 times"),
    ]


def test_what_was_missed_is_marked() -> None:
    settled = [Settled(SMALL, (0.2, 0.9), (0.02,), (0.010,)), Settled(LARGE, (0.3, 0.4), (0.02,), (0.016,))]
    found = results.targets([OURS, result("hare 2.0", [0.4], [0.6])], settled, HANDLER, queries=13)
    assert met(found) == {
        "20x50: first apply, against the faster peer": False,
        "20x50: nothing to do, against the faster peer": True,
        "20x50: the same, less the start of each tool": True,
        "nothing to do: 8,000 tables against 1,000, the whole command": True,
        "nothing to do: 8,000 tables against 1,000, without its start, connected": False,
        "queries that read the catalogs": False,
        "the zip": True,
        "importing the handler without boto3, from source": False,
        "importing the handler without boto3, compiled before": True,
    }
    assert target_table(found).count("**no**") == 4


def test_without_two_sizes_nothing_is_said_about_growth() -> None:
    found = results.targets([OURS], [Settled(SMALL, (0.2,), (0.02,), (0.01,))], HANDLER, queries=9)
    assert not any("tables against" in name for name in met(found))
