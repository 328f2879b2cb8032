from bench.access import results
from bench.access.results import Result, Settled
from bench.access.workload import Size
from bench.document import target_table

SMALL, LARGE = Size(20, 50), Size(80, 100)


def result(tool: str, first: list[float], again: list[float], size: Size = SMALL) -> Result:
    return Result(tool, size, (*first,), (*again,), (0.05, 0.05))


OURS = result("db_bootstrap", [0.2, 0.1, 0.9], [0.1, 0.1])
SLOW = result("tortoise 1.0", [4, 4, 4], [1.0, 1.0])
FAST = result("hare 2.0", [1.0, 2.0, 0.4], [2.0, 0.2])


def test_the_comparison_has_a_line_for_each_tool_and_says_how_many_times_as_long_it_takes() -> None:
    lines = results.comparison([OURS, SLOW, FAST]).splitlines()
    assert lines[2] == "| 20x50 | db_bootstrap | 0.2 (0.1-0.9) | 1.0 | 0.1 (0.1-0.1) | 1.0 |"
    assert lines[3] == "| 20x50 | tortoise 1.0 | 4 (4-4) | 40.0 | 1 (1-1) | 10.0 |"
    assert lines[4] == "| 20x50 | hare 2.0 | 1 (0.4-2) | 4.0 | 1.1 (0.2-2) | 2.0 |"


def test_a_target_is_held_against_the_faster_peer_of_each_kind_and_marked_if_missed() -> None:
    larger = result("db_bootstrap", [1.0], [1.0], LARGE), result("hare 2.0", [3.0], [2.0], LARGE)
    settled = [Settled(SMALL, (0.2, 0.9), (0.02,), (0.05, 0.046)), Settled(LARGE, (0.3, 0.4), (0.02,), (0.1,))]
    found = results.targets([OURS, SLOW, FAST, *larger], settled, queries=12)
    assert [(target.name, target.measured, target.is_met) for target in found] == [
        ("20x50: first apply", "4.0x", True),
        ("20x50: nothing to do", "2.0x", True),
        ("80x100: first apply", "3.0x", True),
        ("80x100: nothing to do", "2.0x", False),
        ("start", "50 ms", True),
        ("nothing to do, warm and connected, 2,000 relations", "46 ms", False),
        ("queries that read the catalogs", "12", True),
    ]
    assert target_table(found).count("**no**") == 2
