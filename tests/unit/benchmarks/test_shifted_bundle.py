import numpy as np
import pytest

from benchmarks.shifted_bundle import RAISED, mixes, publish_raised, raised
from recsys.models import bundle as bundles
from recsys.models.model_loader import load_bundle
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.lambdamart import SEED_SEPARATOR
from recsys.ranking.lightgbm_import import lgb
from tests.trained import Place


def test_raised_trees_score_higher_and_order_as_before() -> None:
    rng = np.random.default_rng(7)
    table = rng.normal(size=(300, 3))
    plain = lgb.train({"verbosity": -1}, lgb.Dataset(table, table[:, 0] + rng.normal(size=300)), 5)
    two = SEED_SEPARATOR.join([plain.model_to_string()] * 2)
    for higher in raised(two).split(SEED_SEPARATOR):
        scores = np.asarray(lgb.Booster(model_str=higher).predict(table))
        np.testing.assert_allclose(scores, np.asarray(plain.predict(table)) + 1_000)
    assert raised(two).count(SEED_SEPARATOR) == 1


def test_a_raised_bundle_can_serve_and_differs_from_its_source(
    trained: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = trained.copy(tmp_path_factory.mktemp("raised") / "home").home
    plain = str(bundles.active_version(home))
    other = publish_raised(home, plain)
    assert (other, publish_raised(home, plain)) == (plain + RAISED, other), "published once"
    encoder = bundles.load(home, plain).manifest["schema"]["encoder"]
    features = np.random.default_rng(7).normal(size=(50, len(ALL_FEATURES.names)))
    for version in (plain, other):
        system = load_bundle(home, encoder, version)
        for ranker in (system.models.listwise, system.text_free, system.click_ranker, system.value):
            if ranker is not None:
                items = [{"score": score} for score in ranker.score(features).tolist()]
                reported = [mixes({"model": model, "items": items}) for model in (plain, other)]
                assert reported == [version != plain, version == plain]


def test_an_answer_is_mixed_if_a_score_is_raised_but_not_its_model_or_none_is() -> None:
    low, high = {"score": -3.0}, {"score": 997.0}
    for model, pure, other in (("v1", low, high), (f"v1{RAISED}", high, low)):
        assert not mixes({"model": model, "items": [pure, pure]})
        assert mixes({"model": model, "items": [other]})
        assert not mixes({"model": model, "items": []})
    assert mixes({"model": "v1", "items": [low, high]})
