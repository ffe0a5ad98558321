"""Challenger of a running experiment: its bundle answers some readers, or ranks feeds beside the active one."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from recsys.domain import FeedRequest, Ranking, RuleKind
from recsys.errors import BundleError
from recsys.feed.engine import FeedEngine, FeedSlate
from recsys.feed.feed_metrics import FeedMetrics
from recsys.feed.interleaving import interleaved_page
from recsys.models.model_loader import TrainedSystem, load_bundle
from recsys.models.model_set import Models
from recsys.serving.experiment import Experiment, load_experiment

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Slate of a first page, and slates that an experiment stores beside it: what its models would have shown."""

    slate: FeedSlate
    beside: tuple[Ranking, ...] = ()


@dataclass(frozen=True, slots=True)
class _Running:
    experiment: Experiment
    system: TrainedSystem


class Challenger:
    """Bundle of the running experiment, if any.

    It ranks with the state and vectors of the serving engine, whatever calibration it was trained with: raw and
    calibrated vectors lie in one space, and two bundles of one encoder subtract nearly the same mean.

    Attributes:
        unseen: number of slates that it made beside the active bundle, for a shadow run or to interleave.
        failed: number of those that it could not make.
    """

    def __init__(self, home: Path, encoder: Callable[[], str]) -> None:
        self.unseen = 0
        self.failed = 0
        self._home = home
        self._encoder = encoder
        self._running: _Running | None = None
        self._shadow_metrics = FeedMetrics()  # shadow runs do not count as feeds

    @property
    def experiment(self) -> Experiment | None:
        """Experiment that this process runs."""
        return None if self._running is None else self._running.experiment

    def adopt(self, active: Models) -> None:
        """Load the current experiment beside the `active` models; a challenger that became active needs none.

        Raises:
            BundleError: the challenger cannot be used; the former experiment goes on.
        """
        current = load_experiment(self._home)
        if current is None or current.version == active.version:
            self._running = None
        elif current != self.experiment:
            self._running = _Running(current, self._system(current.version, active))

    def engine_for(self, engine: FeedEngine, reader: str | None) -> FeedEngine:
        """Return the engine that answers `reader`: `engine`, or the same with the models of the challenger."""
        running = self._running
        if running is None or not running.experiment.answers(reader):
            return engine
        return replace(engine, models=running.system.models)

    def answer(self, engine: FeedEngine, request: FeedRequest) -> Answer:
        """Recommend the first page of a feed, as the running experiment wants it."""
        running = self._running
        if running is None or running.experiment.answers(request.reader):
            return Answer(self.engine_for(engine, request.reader).recommend(request))
        if running.experiment.interleaves(request.request_id) and request.minutes is None:
            return self._interleaved(running, engine, request)
        slate = engine.recommend(request)
        if not running.experiment.shadows(request.request_id):
            return Answer(slate)
        other = self._slate(running, engine, replace(request, explain=False))
        return Answer(slate) if other is None else Answer(slate, (other.ranking,))

    def _interleaved(self, running: _Running, engine: FeedEngine, request: FeedRequest) -> Answer:
        """Interleave the slates of both models; without exploration, whose draws would count for a model."""
        request = replace(request, explore=0.0)
        active = engine.recommend(request)
        other = self._slate(running, engine, request)
        if other is None or not other.ranking.items or _has_quota(active.ranking, other.ranking):
            return Answer(active)
        slate, drafted = interleaved_page(active, other.ranking)
        return Answer(slate, (active.ranking, drafted))

    def _slate(self, running: _Running, engine: FeedEngine, request: FeedRequest) -> FeedSlate | None:
        """Return the challenger's slate; None if it fails: the reader still gets the feed of the active bundle."""
        try:
            beside = replace(engine, models=running.system.models, metrics=self._shadow_metrics)
            slate = beside.recommend(request)
        except Exception as error:  # whatever it is, a feed must not fail by an experiment
            if not self.failed:
                logger.exception("the challenger %s failed", running.experiment.version, exc_info=error)
            self.failed += 1
            return None
        self.unseen += 1
        return slate

    def _system(self, version: str, active: Models) -> TrainedSystem:
        running = self._running
        if running is not None and running.experiment.version == version:
            return running.system  # only the shares of the experiment changed
        system = load_bundle(self._home, self._encoder(), version)
        if not system.models.space.agrees_with(active.space):
            raise BundleError(
                f"challenger {version} was trained in another space of article vectors than the active bundle: "
                "train it again"
            )
        return system


def _has_quota(*rankings: Ranking) -> bool:
    """Return True if a rule limits how many of the articles a page has: an interleaved page could have more."""
    rules = (rule for ranking in rankings for item in ranking.items for rule in item.rules)
    return any(rule.kind is RuleKind.QUOTA for rule in rules)
