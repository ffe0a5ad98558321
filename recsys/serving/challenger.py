"""The bundle on trial as one process has it: it answers some readers, and ranks some feeds unseen."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from recsys.domain import FeedRequest, Ranking
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import FeedMetrics
from recsys.models.model_loader import TrainedSystem, load_bundle
from recsys.serving.experiment import Experiment, load_experiment

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rival:
    experiment: Experiment
    system: TrainedSystem


class Challenger:
    """What is tried beside the active bundle; nothing, as long as nothing is.

    It ranks with the state and vectors of the engine that serves, whatever calibration it was trained with: raw
    and calibrated vectors lie in one space.

    Attributes:
        unseen: slates that it made without being shown.
        failed: how often it could not; nobody noticed.
    """

    def __init__(self, home: Path, encoder: Callable[[], str]) -> None:
        self.unseen = 0
        self.failed = 0
        self._home = home
        self._encoder = encoder
        self._rival: _Rival | None = None
        self._shadow_metrics = FeedMetrics()  # shadow runs do not count as feeds

    @property
    def experiment(self) -> Experiment | None:
        """What this process tries."""
        return None if self._rival is None else self._rival.experiment

    def adopt(self, active: str) -> None:
        """Try what is on trial now beside `active`; a challenger that was activated has won, and is tried no more.

        Raises:
            BundleError: it cannot be used; what was tried before stays.
        """
        wanted = load_experiment(self._home)
        if wanted is None or wanted.version == active:
            self._rival = None
        elif wanted != self.experiment:
            self._rival = _Rival(wanted, self._system(wanted.version))

    def engine_for(self, engine: FeedEngine, reader: str | None) -> FeedEngine:
        """Return the engine that answers `reader`: `engine`, or the same with the models of the challenger."""
        rival = self._rival
        if rival is None or not rival.experiment.answers(reader):
            return engine
        return replace(engine, models=rival.system.models)

    def shadow(self, engine: FeedEngine, request: FeedRequest) -> Ranking | None:
        """Return the slate that the challenger would have shown, if this feed is part of its shadow run."""
        rival = self._rival
        if rival is None or rival.experiment.answers(request.reader):
            return None
        if not rival.experiment.shadows(request.request_id):
            return None
        try:
            shadow_engine = replace(engine, models=rival.system.models, metrics=self._shadow_metrics)
            slate = shadow_engine.recommend(replace(request, explain=False)).ranking
        except Exception as error:  # whatever it is: the reader gets the feed of the active bundle
            if not self.failed:
                logger.exception(
                    "the challenger %s failed in its shadow run", rival.experiment.version, exc_info=error
                )
            self.failed += 1
            return None
        self.unseen += 1
        return slate

    def _system(self, version: str) -> TrainedSystem:
        rival = self._rival
        if rival is not None and rival.experiment.version == version:
            return rival.system  # only its shares have changed
        return load_bundle(self._home, self._encoder(), version)
