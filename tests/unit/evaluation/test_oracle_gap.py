"""Share of the possible gain that a system reaches."""

import pytest

from recsys.evaluation.oracle_gap import Gap, gap


def rows(popular: float | None, attune: float | None, oracle: float | None) -> dict[str, dict[str, float | None]]:
    """Figures of three systems; MRR is another number than AUC."""
    values = {"popular": popular, "attune": attune, "oracle": oracle}
    return {name: {"auc": auc, "mrr": None if auc is None else auc / 2} for name, auc in values.items()}


def test_half_of_the_way_is_half_of_the_gap() -> None:
    found = gap(rows(0.6, 0.7, 0.8), "oracle")
    assert found == Gap(0.6, 0.7, 0.8)
    assert found.closed == pytest.approx(0.5)


@pytest.mark.parametrize(("attune", "closed"), [(0.6, 0.0), (0.8, 1.0), (0.55, -0.25), (0.85, 1.25)])
def test_the_share_is_not_cut_off_at_either_end(attune: float, closed: float) -> None:
    found = gap(rows(0.6, attune, 0.8), "oracle")
    assert found is not None
    assert found.closed == pytest.approx(closed)


def test_any_rows_and_metric_can_be_compared() -> None:
    found = gap(rows(0.6, 0.7, 0.8), "oracle", baseline="attune", system="popular", metric="mrr")
    assert found == Gap(0.35, 0.3, 0.4)


@pytest.mark.parametrize(
    "figures", [rows(None, 0.7, 0.8), rows(0.6, None, 0.8), rows(0.6, 0.7, None), rows(0.8, 0.7, 0.8)]
)
def test_without_a_figure_or_a_gap_nothing_is_closed(figures: dict[str, dict[str, float | None]]) -> None:
    assert gap(figures, "oracle") is None
