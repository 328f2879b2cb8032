"""The table and the chart of what rotations cost."""

from xml.etree import ElementTree

from bench.rotation import procedures
from bench.rotation.measure import Design, Measured
from bench.rotation.procedures import Moment
from bench.rotation.report import chart, table

DESIGN = Design("two users <frozen> (`secrets`)", "frozen_at_start", procedures.two_users)
SENT = tuple((number / 100, 0.5 if number == 199 else 0.01, number in {100, 101, 150}) for number in range(200))
RESULT = Measured(DESIGN, 2.0, SENT, ((0.5, Moment.SET), (1.5, Moment.MOVED)), (0.2, 0.4))
SVG = "{http://www.w3.org/2000/svg}"


def test_a_row_has_what_failed_and_how_long_99_of_100_requests_took() -> None:
    assert table([RESULT]).splitlines()[-1] == "| two users <frozen> (`secrets`) | 3 | 200 | 10 ms | 0.30 s |"


def test_the_chart_has_a_bar_for_each_quarter_of_a_second_with_failures_and_a_line_for_each_moment() -> None:
    drawn = ElementTree.fromstring(chart([RESULT]))
    bars = [bar for bar in drawn.iter(f"{SVG}rect") if bar.get("fill") == "#bb3322"]
    assert [float(bar.get("height", "")) for bar in bars] == [40.0, 20.0]
    lines = [line.get("stroke-dasharray") for line in drawn.iter(f"{SVG}line") if line.get("stroke") == "#3366aa"]
    assert lines == ["3 3", None]
    assert "two users <frozen> (secrets): 3 of 200" in [text.text for text in drawn.iter(f"{SVG}text")]


def test_a_chart_without_failures_can_be_drawn() -> None:
    assert ElementTree.fromstring(chart([Measured(DESIGN, 2.0, ((0.1, 0.1, False),), (), (0.1,))])) is not None
