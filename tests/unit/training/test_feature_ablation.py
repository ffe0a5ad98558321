from pathlib import Path
from xml.etree import ElementTree

import pytest

from recsys.errors import DataError
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.training import feature_ablation
from recsys.training.feature_ablation import ALL, FEEDS, ablate_families, feature_sets
from recsys.training.feature_ablation_plot import save_ablation_plot
from recsys.training.training_run import silent
from tests.trained import Place, place

CONFIG = LambdaMartConfig(threads=1, min_leaf=5)


@pytest.fixture
def found(trained: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr(feature_ablation, "TREES", 5)
    database = trained.open()
    result = ablate_families(database, None, CONFIG, silent)
    database.close()
    return result


def test_every_family_but_text_and_place_is_left_out_once() -> None:
    rows = feature_sets()
    names = {family.name for family in rows[ALL].families}
    assert {row.removeprefix("without ") for row in rows if row.startswith("without")} == names - {"position"}
    for row, features in rows.items():
        assert "interest" not in {family.name for family in features.families}, row
    assert not rows[FEEDS].listwise


def test_rows_are_judged_on_the_same_slates_and_compared_with_all(found: dict[str, dict[str, dict]]) -> None:  # type: ignore[type-arg]
    rows = found["rows"]
    assert list(rows) == list(feature_sets())
    assert rows[ALL]["difference"]["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert 1 <= len(found["folds"]) <= 2
    for row in rows.values():
        assert 0 <= row["auc"]["low"] <= row["auc"]["mean"] <= row["auc"]["high"] <= 1
        gained = row["auc"]["mean"] - rows[ALL]["auc"]["mean"]
        assert row["difference"]["difference"]["mean"] == pytest.approx(gained)


def test_the_plot_has_a_bar_for_each_family(found: dict[str, dict[str, object]], tmp_path: Path) -> None:
    save_ablation_plot(found["rows"], "a <log> & more", tmp_path / "plot.svg")
    svg = ElementTree.parse(tmp_path / "plot.svg")
    texts = [each.text for each in svg.iter() if each.tag.endswith("text")]
    assert "AUC lost, 95% interval: a <log> & more" in texts
    assert {name for name in feature_sets() if name != ALL} <= set(texts)


def test_an_empty_log_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    database = place(tmp_path_factory.mktemp("empty")).open()
    with pytest.raises(DataError, match="attune ingest"):
        ablate_families(database, None, CONFIG, silent)
    database.close()
