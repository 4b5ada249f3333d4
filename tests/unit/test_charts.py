"""Drawing the past."""

import pytest

from app.dashboard.charts import charts
from app.orders.history import Step


def step(accepted: float = 0, backlog: int = 0, p50: float | None = None) -> Step:
    """Return one step of the past."""
    return Step(
        begins_at=0,
        accepted_per_minute=accepted,
        completed_per_minute=0,
        backlog=backlog,
        waiting={"p50": p50, "p95": p50},
        processing={"p50": None, "p95": None},
    )


def test_a_line_runs_from_step_to_step_below_a_round_number() -> None:
    throughput = charts([step(0), step(150), step(200)])[0]
    assert throughput.top == "200"
    assert throughput.lines[0].path == "M0 100.0L1 25.0L2 0.0h0"
    assert throughput.lines[0].area == "M0 100L0 100.0L1 25.0L2 0.0L2 100Z"
    assert throughput.lines[0].latest == "200"


def test_a_step_without_a_value_breaks_the_line() -> None:
    waiting = charts([step(p50=1), None, step(p50=None), step(p50=0.5), step(p50=1)])[2]
    assert waiting.lines[0].path == "M0 0.0h0M3 50.0L4 0.0h0"
    assert waiting.lines[0].values == "1,,,0.5,1"


def test_a_past_without_any_value_is_drawn_empty() -> None:
    for chart in charts([None, None]):
        assert [(line.path, line.area, line.latest) for line in chart.lines] == [
            ("", "", "\N{EN DASH}") for _ in chart.lines
        ]


@pytest.mark.parametrize(
    ("highest", "top"), [(0, "1"), (1, "1"), (7, "8"), (24, "25"), (26, "30"), (99_999, "100,000")]
)
def test_the_upper_edge_is_round_and_not_below_any_value(highest: int, top: str) -> None:
    assert charts([step(backlog=highest)])[1].top == top


def test_a_chart_says_in_words_what_it_shows() -> None:
    assert charts([step(accepted=30)])[0].summary == (
        "Throughput: accepted 30, completed 0; up to 30"
    )
