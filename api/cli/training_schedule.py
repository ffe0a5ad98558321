"""Trainings of `attune run` at the times of a cron expression, one after the other."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cronsim import CronSim, CronSimError

from api.cli.process_tree import Command, ProcessTree, end_text
from recsys.domain import HOUR, SECOND
from recsys.errors import ConfigError

logger = logging.getLogger(__name__)

_FIELDS = 5
_LONGEST_SLEEP = 60.0
"""Seconds after which the clock is read again, because somebody may have set it."""


class Times(Protocol):
    """Times at which something is due."""

    def after(self, now: datetime) -> datetime:
        """Return the first time that is later than `now`."""


@dataclass(frozen=True, slots=True)
class CronTimes:
    """Times of a cron expression with five fields, in UTC."""

    expression: str

    @classmethod
    def parse(cls, expression: str, source: str) -> "CronTimes":
        """Check an expression; `source` names the option or setting that has it.

        Raises:
            ConfigError: it is not a cron expression with five fields, or no time fits it.
        """
        if len(expression.split()) != _FIELDS:
            raise ConfigError(
                f"{source} {expression!r} must have five fields: minute, hour, day of month, month, day of week; "
                "for example '0 4 * * *' for each day at 04:00 UTC"
            )
        times = cls(expression)
        try:
            next(times._from(datetime.now(UTC)))
        except (CronSimError, StopIteration) as error:
            raise ConfigError(
                f"{source} {expression!r} is no cron expression that fits a time ({error}): for "
                "example '0 4 * * *' is each day at 04:00 UTC"
            ) from error
        return times

    def after(self, now: datetime) -> datetime:
        """Return the first time that is later than `now`."""
        return next(self._from(now))

    def _from(self, now: datetime) -> Iterator[datetime]:
        return CronSim(self.expression, now.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Training:
    """A scheduled training. steps: commands in order, each only if the one before succeeded.

    within: seconds after which a step is stopped. report_failure: gets the reason why a step failed.
    """

    times: Times
    steps: tuple[Command, ...]
    within: float
    report_failure: Callable[[str], None]


async def train_on_schedule(tree: ProcessTree, training: Training) -> None:
    """Train at each time of the schedule until the tree stops; times during a training are left out.

    A training that fails is logged, and the next time tries again.
    """
    while True:
        due = training.times.after(datetime.now(UTC))
        logger.info("training: next at %s", due.isoformat())
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            if await tree.pause(min(left, _LONGEST_SLEEP)):
                return
        for step in training.steps:
            if not await _succeeds(tree, step, training):
                break
        if await tree.pause(0):
            return


async def _succeeds(tree: ProcessTree, step: Command, training: Training) -> bool:
    ended = await tree.run(step, training.within)
    failure = None
    if ended.stopped and ended.seconds >= training.within:
        hours = training.within * SECOND / HOUR
        failure = f"{step.name}: stopped, because it took longer than ATTUNE_TRAIN_HOURS ({hours:g})"
    elif ended.stopped:
        logger.warning("%s: stopped before its end", step.name)
    elif ended.status:
        failure = f"{step.name}: failed, {end_text(ended)}"
    else:
        logger.info("%s: succeeded after %.0f s", step.name, ended.seconds)
    if failure is not None:
        logger.error("%s", failure)
        await asyncio.to_thread(training.report_failure, failure)
    return not ended.stopped and ended.status == 0
