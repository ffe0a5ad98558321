"""Learn from the log's slates which ages of articles it supports, and how fast clicks on an article fade.

Old policies show good articles for longer, so over all exposures old articles seem to lose little. The fading is
therefore fitted within articles: a Poisson regression of clicks on age with a level of its own for each article,
``E[clicks] = look · level(article) · exp(−fading(category) · age)``, where `look` is the examination probability
of the place. Rates of categories are shrunk toward their mean by their standard errors (Gelman et al., Bayesian
Data Analysis, 5.4), and are not negative.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.ranking.age_support import AgeSupport, SupportedAges
from recsys.training.examination_curve import ExaminationCurve

SHARE = 0.99
"""Share of the shown candidates that are not older than the support."""

LEAST_EXPOSURES, LEAST_CLICKS = 1_000, 50
"""Smallest numbers of a category that has a support of its own, and of a log that has one at all."""

_LEVEL_PRIOR = 1.0  # expected clicks, as weight of the average level of an article
_STEPS = 10
_RIDGE = 1e-3  # keeps the regression finite if no score has a click
_LONGEST_STEP = 0.5  # of the largest fading per hour, so that a step of Newton's method cannot overshoot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShownAges:
    """Exposures [n]. article, category: numbers from 0; hours: age when shown; look: examination probability.

    names: category name by number; a missing name is an empty one.
    """

    article: Ints
    category: Ints
    hours: Floats
    look: Floats
    clicked: Floats
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, slates: pl.DataFrame, articles: pl.DataFrame, curve: ExaminationCurve | None = None
    ) -> "ShownAges":
        """Return the exposures of labelled `slates` to `articles`, in the order of the slates and candidates.

        The age of an article without a time is since it was first shown.

        slates: columns at, candidates, labels, ordered. articles: columns id, category, published_at.
        curve: examination; by default the assumed one.
        """
        examination = curve or ExaminationCurve.assumed()
        place = pl.int_ranges(1, pl.col("candidates").list.len() + 1) * pl.col("ordered").cast(pl.Int64)
        shown = (
            slates.select("at", place.alias("place"), id=pl.col("candidates"), label=pl.col("labels"))
            .explode("place", "id", "label")
            .drop_nulls("id")
            .join(articles.select("id", "category", "published_at"), on="id", how="left", maintain_order="left")
            .with_columns(
                since=pl.coalesce("published_at", pl.col("at").min().over("id")),
                category=pl.col("category").fill_null("").str.strip_chars().str.to_lowercase(),
            )
        )
        names, place_of = shown["category"].unique().sort(), shown["place"].to_numpy()
        return cls(
            article=shown["id"].rank("dense").to_numpy().astype(np.int64) - 1,
            category=names.search_sorted(shown["category"]).to_numpy().astype(np.int64),
            hours=np.maximum((shown["at"] - shown["since"]).to_numpy() / HOUR, 0.0),
            look=examination.at(np.where(place_of > 0, place_of - 1.0, np.nan)),
            clicked=(shown["label"] > 0).to_numpy().astype(np.float64),
            names=tuple(names.to_list()),
        )


def learn_age_support(shown: ShownAges) -> AgeSupport | None:
    """Return the supported ages; None if the exposures or clicks are too few to know them."""
    count = len(shown.names)
    exposures = np.bincount(shown.category, minlength=count)
    clicks = np.bincount(shown.category, shown.clicked, minlength=count)
    if exposures.sum() < LEAST_EXPOSURES or clicks.sum() < LEAST_CLICKS:
        return None
    rates, errors = _fading_within_articles(shown)
    fading, overall = _shrunk(rates, errors)
    known = (exposures >= LEAST_EXPOSURES) & (clicks >= LEAST_CLICKS)
    return AgeSupport(
        SupportedAges(float(np.quantile(shown.hours, SHARE)), overall),
        {
            name: SupportedAges(float(np.quantile(shown.hours[shown.category == number], SHARE)), fading[number])
            for number, name in enumerate(shown.names)
            if name and known[number]
        },
    )


def missed_fading(ages: AgeSupport, shown: ShownAges, scores: Floats) -> float:
    """Return the share of the categories' own fading that a ranker misses, 0 to 1.

    Logistic regression of the newest clicks on the `scores` [n] and on the log-odds by which `ages` differ
    between the categories. The coefficient is shrunk by its error (positive-part James–Stein), so a small log
    moves no score. shown: exposures whose last n have the scores; the ranker has not learnt from these.
    """
    last = slice(len(shown.hours) - len(scores), None)
    known = [ages.categories.get(name, ages.overall) for name in shown.names]
    hours, fading = (
        np.asarray([(each.hours, each.fading) for each in known]).reshape(-1, 2)[shown.category[last]].T
    )
    own = -(fading - ages.overall.fading) * np.minimum(shown.hours[last], hours)
    if scores.std() == 0 or own.std() == 0:
        return 0.0
    columns = np.column_stack((own, scores / scores.std(), np.ones(len(scores))))
    fitted: Floats = np.zeros(3)
    information: Floats = np.eye(3)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(columns @ fitted, -30, 30)))
        information = (columns * (chance * (1 - chance))[:, None]).T @ columns + _RIDGE * np.eye(3)
        slope = columns.T @ (shown.clicked[last] - chance) - _RIDGE * fitted
        fitted = fitted + np.linalg.solve(information, slope)
    share, variance = float(fitted[0]), float(np.linalg.inv(information)[0, 0])
    return min(max(share - variance / share, 0.0), 1.0) if share > 0 else 0.0


def _fading_within_articles(shown: ShownAges) -> tuple[Floats, Floats]:
    """Return the fading per hour by category [c] and its standard error, by Newton's method.

    A level is the posterior mean of a Gamma–Poisson model. Where all articles were shown at one age, the error is
    infinite.
    """
    count, articles = len(shown.names), int(shown.article.max()) + 1
    average = shown.clicked.sum() / shown.look.sum()
    clicks = np.bincount(shown.article, shown.clicked, minlength=articles) + _LEVEL_PRIOR
    fading = np.zeros(count)
    information: Floats = np.zeros(count)
    for _ in range(_STEPS):
        rate = average * shown.look * np.exp(-fading[shown.category] * shown.hours)
        rate *= shown.clicked.sum() / max(rate.sum(), 1e-12)
        level = clicks / (np.bincount(shown.article, rate, minlength=articles) + _LEVEL_PRIOR)
        expected = rate * level[shown.article]
        weight = np.bincount(shown.article, expected, minlength=articles)
        mean = np.bincount(shown.article, expected * shown.hours, minlength=articles) / np.maximum(weight, 1e-12)
        away = shown.hours - mean[shown.article]
        slope = np.bincount(shown.category, (expected - shown.clicked) * away, minlength=count)
        information = np.bincount(shown.category, expected * away**2, minlength=count).astype(np.float64)
        step = slope / np.maximum(information, 1e-12)
        fading += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    errors = np.full(count, np.inf)
    np.divide(1.0, np.sqrt(information), out=errors, where=information > 0)
    return fading, errors


def _shrunk(rates: Floats, errors: Floats) -> tuple[list[float], float]:
    """Return the rates [c] shrunk toward their mean, and the mean: all 0 or more."""
    known = np.isfinite(errors)
    if not known.any():
        return [0.0] * len(rates), 0.0
    weights = np.where(known, 1 / np.where(known, errors, 1.0) ** 2, 0.0)
    mean = float(weights @ rates / weights.sum())
    # variance between categories by the method of moments (DerSimonian and Laird 1986)
    spread = float(weights @ (rates - mean) ** 2) - (known.sum() - 1)
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    between = max(spread / scale, 0.0) if scale > 0 else 0.0
    trust = np.where(known, between / (between + np.where(known, errors, 1.0) ** 2), 0.0)
    return np.maximum(mean + trust * (rates - mean), 0.0).tolist(), max(mean, 0.0)
