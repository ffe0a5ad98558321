"""The full ranker serves unless a part is clearly better; a bundle that loses to a baseline is not activated."""

from dataclasses import replace

import numpy as np
import polars as pl

from recsys.encoder.text_coverage import TextCoverage
from recsys.encoder.vector_space import RAW
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import BASELINES, FULL_SYSTEM, NETWORK, TEXT_FREE
from recsys.labels.sampled_slates import Sampling
from recsys.models.served_ranker import BLEND, FULL_RANKER, PARTS
from recsys.store.log_contents import LogContents
from recsys.training.choice_days import Evidence
from recsys.training.data_warnings import ENOUGH, SAMPLED, data_warnings, text_warnings
from recsys.training.dataset import Corpus
from recsys.training.ranker_choice import RankerChoice
from recsys.training.training_run import Split
from tests.unit.evaluation.answers import answers, changed

SLATES = 40


def judged(**right: int) -> ReplayScores:
    """Systems that rank the clicked article first in as many of the slates as given, others in half of them."""
    names = (FULL_SYSTEM, *PARTS, *BASELINES)
    scores = {
        name: [[1.0, 0.0] if slate < right.get(name, SLATES // 2) else [0.0, 1.0] for slate in range(SLATES)]
        for name in names
    }
    return answers([[1, 0]] * SLATES, **scores)


def test_a_tie_keeps_the_full_ranker() -> None:
    assert RankerChoice.of(judged()).system == FULL_SYSTEM
    assert RankerChoice.of(judged(nrms=21)).system == NETWORK, (
        "one better slate of 40 is sure, and above the margin"
    )
    assert RankerChoice.of(judged(attune=30, nrms=29)).system == FULL_SYSTEM


def test_the_best_of_the_clearly_better_parts_serves() -> None:
    choice = RankerChoice.of(judged(attune=20, nrms=30, attune_without_text=35))
    assert choice.system == TEXT_FREE
    assert choice.as_dict()["system"] == TEXT_FREE
    assert choice.better_baseline is None


def test_a_mean_that_rests_on_a_few_readers_is_not_clear() -> None:
    stated = judged()
    rng = np.random.default_rng(2)
    noisy = {**stated.scores, NETWORK: rng.random(2 * SLATES), FULL_SYSTEM: rng.random(2 * SLATES)}
    choice = RankerChoice.of(changed(stated, scores=noisy))
    assert choice.system != NETWORK or choice.parts[NETWORK].draws >= 0.8


def test_a_part_by_less_than_the_margin_does_not_serve() -> None:
    labels = [[1, *[0] * 200]] * SLATES
    full, part = [[1.0, 2.0, *[0.0] * 199]] * SLATES, [[2.0, 1.0, *[0.0] * 199]] * SLATES
    names = dict.fromkeys((*PARTS, *BASELINES), full)
    choice = RankerChoice.of(answers(labels, **{**names, FULL_SYSTEM: full, NETWORK: part}))
    assert choice.parts[NETWORK].draws == 1.0
    assert 0 < choice.parts[NETWORK].difference < 0.01
    assert choice.system == FULL_SYSTEM


def test_equal_scores_count_as_they_would_be_shown() -> None:
    """A ranker of one leaf shows the order of the ties."""
    stated = judged(nrms=30)
    flat = {**stated.scores, FULL_SYSTEM: np.zeros(2 * SLATES)}
    by_interest = np.tile([0, 1], SLATES)
    assert RankerChoice.of(changed(stated, scores=flat, tie_order=by_interest)).system == FULL_SYSTEM
    assert RankerChoice.of(changed(stated, scores=flat, tie_order=1 - by_interest)).system == NETWORK


def test_the_serving_bundle_takes_the_row_of_the_full_system() -> None:
    stated = judged(nrms=35)
    served = RankerChoice.of(stated).served(stated)
    np.testing.assert_array_equal(served.scores[FULL_SYSTEM], stated.scores[NETWORK])
    np.testing.assert_array_equal(served.scores[FULL_RANKER], stated.scores[FULL_SYSTEM])
    assert list(served.scores)[-1] == FULL_SYSTEM
    same = judged(attune=35)
    assert RankerChoice.of(same).served(same) is same


def test_in_a_small_log_the_blend_serves_unless_another_one_is_clearly_better() -> None:
    stated = judged()
    aucs = {name: np.full(SLATES, 0.5) for name in (FULL_SYSTEM, *PARTS)}
    few = Evidence(aucs, np.arange(SLATES), days=4)
    assert RankerChoice.of(stated, few).system == BLEND
    better = {**aucs, FULL_SYSTEM: np.full(SLATES, 0.6), NETWORK: np.where(np.arange(SLATES) < 30, np.nan, 0.7)}
    choice = RankerChoice.of(stated, replace(few, aucs=better))
    assert choice.system == NETWORK, "compared where it is known"
    assert choice.days == 4
    full = RankerChoice.of(stated, replace(few, aucs={**better, NETWORK: aucs[NETWORK]}))
    assert (full.system, full.default) == (FULL_SYSTEM, BLEND)


def test_a_better_baseline_is_named() -> None:
    choice = RankerChoice.of(judged(attune=20, nrms=25, popular=38, newest=30))
    assert choice.better_baseline == "popular"
    assert any("the baseline popular" in warning for warning in data_warnings(choice, corpus(1_000, 900)))


def test_a_warning_says_how_much_is_missing_and_what_serves() -> None:
    choice = RankerChoice.of(judged(attune=20, nrms=30))
    few = data_warnings(choice, corpus(1_200, 500))
    assert few[0] == (
        "1,200 impressions, 500 of them with a clicked and another article: a ranker needs about 600 of these; "
        "the preference network alone serves"
    )
    assert "0.250 above the full ranker" in few[1]
    assert data_warnings(RankerChoice.of(judged(attune=30)), corpus(9_000, ENOUGH)) == []


def test_a_warning_says_that_negatives_were_sampled() -> None:
    clicks = replace(corpus(3_000, 3_000), sampled=Sampling())
    assert data_warnings(RankerChoice.of(judged(attune=30)), clicks) == [SAMPLED]


def test_a_warning_says_which_texts_the_encoder_cannot_read() -> None:
    danish = replace(corpus(9_000, ENOUGH), articles=pl.DataFrame({"language": ["da", "da-DK", None, "en"]}))
    assert text_warnings(danish, "minilm", TextCoverage()) == [
        "50% of the articles are Danish; the encoder in use (minilm) reads English: "
        "set ATTUNE_ENCODER to 'intfloat/multilingual-e5-small'"
    ]
    poor = TextCoverage(tokens=100, unknown=30, headlines=50, shared=10)
    assert text_warnings(danish, "intfloat/multilingual-e5-small", poor) == poor.warnings()
    assert text_warnings(danish, "intfloat/multilingual-e5-small", TextCoverage(tokens=100, headlines=50)) == []


def corpus(impressions: int, learnable: int) -> Corpus:
    requests, articles = pl.DataFrame({"at": range(impressions)}), pl.DataFrame()
    contents = LogContents(articles=9, impressions=impressions, clicks=9, first=0, last=1)
    vectors = np.zeros((0, 1), np.float32)
    return Corpus(requests, articles, vectors, RAW, Split(0, 1, 2), contents, learnable, 0)
