"""`attune adapt`: from stored articles and the log to an encoder that knows the publisher and the readers."""

import hashlib
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.adaptation.adapt_options import AdaptOptions
from recsys.adaptation.adaptation_card import CardFacts, card
from recsys.adaptation.adaptation_data import AdaptationData, load_adaptation_data
from recsys.adaptation.adaptation_loop import LoopPlan, fit_top_layers
from recsys.adaptation.adaptation_validation import choose_validation, choosing_half
from recsys.adaptation.article_match import centre_sample, text_vectors
from recsys.adaptation.base_model import BaseModel, load_base
from recsys.adaptation.batch_loss import BatchLoss
from recsys.adaptation.encoder_folder import prepare_folder, write_encoder
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.training_batches import TrainingBatch
from recsys.adaptation.trunk_cache import TrunkCache, cached_trunk
from recsys.errors import ConfigError, DataError
from recsys.evaluation import bootstrap
from recsys.evaluation.bootstrap import Comparison, Interval
from recsys.settings import Settings
from recsys.store.database import Database
from recsys.training.training_run import Progress, silent

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Result of an adaptation. path: of the written encoder, None if none was written.

    figure: name of what was compared; before, after: of the base and of the adapted encoder; comparison: paired,
    after − before; step: of the chosen weights, 0 if the base was best; notes: what the data lacked.
    """

    path: Path | None
    figure: str
    before: Interval
    after: Interval
    comparison: Comparison
    step: int
    seconds: float
    facts: CardFacts
    notes: tuple[str, ...]

    @property
    def better(self) -> bool:
        """Return True if the interval of the difference is above zero."""
        return self.comparison.verdict == "win"


def adapt(
    database: Database,
    settings: Settings,
    until: int | None = None,
    options: AdaptOptions = AdaptOptions(),  # noqa: B008 - frozen
    progress: Progress = silent,
) -> Adaptation:
    """Train the top layers of the settings' encoder on what was known before `until` (microseconds; all if None).

    The encoder is written if its figure on the validation slice is clearly better, or if the options say so.

    Raises:
        DataError: there is nothing to learn from.
        EncoderError: the encoder cannot be loaded or adapted.
        ConfigError: the folder exists or cannot be written, or the model has too few layers.
    """
    began = time.monotonic()
    data = load_adaptation_data(database, until, progress)
    folder = settings.home / "encoders" / _folder_name(options, settings, data)
    prepare_folder(folder)
    sample = centre_sample(_learnable(data), settings.seed)
    validation, described = choose_validation(data, sample, settings.seed)
    notes = _notes(data, described)
    base = load_base(settings, options.layers)
    work = settings.home / "adapt" / folder.name
    work.mkdir(parents=True, exist_ok=True)
    digest = _digest(base, data, options.layers)
    cache = cached_trunk(base, data.bank.texts, options.layers, work, digest, progress)
    top = TopLayers(base, options.layers)
    loss = _batch_loss(data, cache, top, sample)

    def of_step(top: TopLayers, step: int) -> torch.Tensor:
        return loss(top, TrainingBatch.draw(data, described, settings.seed, step))

    plan = LoopPlan(options.steps, settings.seed, work, f"{digest}-{options.steps}-{settings.seed}")
    state = fit_top_layers(top, cache, of_step, validation, plan, progress)
    judging = ~choosing_half(validation.groups, settings.seed)
    before, after = state.base_values.numpy()[judging], state.best_values.numpy()[judging]
    judges = validation.groups[judging]
    figures = bootstrap.intervals({"before": before, "after": after}, judges)
    comparison = bootstrap.compare(after, before, judges)
    facts = _facts(base, data, described, options, until)
    result = Adaptation(
        None,
        validation.figure,
        figures["before"],
        figures["after"],
        comparison,
        state.best_step,
        time.monotonic() - began,
        facts,
        notes,
    )
    return _written(result, base, folder, work, options)


def _written(result: Adaptation, base: BaseModel, folder: Path, work: Path, options: AdaptOptions) -> Adaptation:
    """Write the encoder if it is better or wanted anyway, and delete the work; otherwise keep the work."""
    if not (result.better or options.keep):
        return result
    text = card(result.facts, result.figure, (result.before, result.after), result.comparison, result.step)
    write_encoder(base, folder, text)
    shutil.rmtree(work, ignore_errors=True)
    return replace(result, path=folder)


def _learnable(data: AdaptationData) -> Ints:
    if not len(data.learnable):
        raise DataError(
            "no article was available before the validation slice, the last day before --until: "
            "ingest older articles, or choose a later --until"
        )
    return data.learnable


def _notes(data: AdaptationData, described: Ints) -> tuple[str, ...]:
    """Return what the data lacks.

    Raises:
        DataError: there is no loss to train.
    """
    if len(described) < 2 and len(data.together) < 2 and not len(data.choices):
        raise DataError(
            "there is nothing to learn from: adapting needs articles with an abstract or a body, or clicks; "
            "run `attune ingest` on them"
        )
    notes = []
    if not len(data.choices):
        learned = "texts and reads of one session" if len(data.together) > 1 else "texts only"
        notes.append(
            f"no slate with a clicked and another article before the validation slice: learned from {learned}"
        )
    if not len(data.validation):
        notes.append("no such slate in the validation slice: the figure is of texts, not of readers")
    if data.left_out:
        notes.append(f"{data.left_out:,} articles are left out: not published, and not in the log, before --until")
    return tuple(notes)


def _folder_name(options: AdaptOptions, settings: Settings, data: AdaptationData) -> str:
    if options.name is not None:
        if not re.fullmatch(r"[\w][\w.-]*", options.name):
            raise ConfigError(f"--name {options.name!r}: use letters, digits, '-', '_' and '.' only")
        return options.name
    stem = Path(settings.encoder).name
    if data.when is None:
        return f"{stem}-adapted"
    return f"{stem}-adapted-{datetime.fromtimestamp(data.when.until / 1_000_000, UTC):%Y%m%dT%H%M}"


def _batch_loss(data: AdaptationData, cache: TrunkCache, top: TopLayers, sample: Ints) -> BatchLoss:
    centres = text_vectors(top, cache, data.bank, sample).mean(axis=0)
    return BatchLoss(data.bank, cache, centres, data.choices.log_click_rates(len(data.bank.fields)))


def _digest(base: BaseModel, data: AdaptationData, layers: int) -> str:
    """Return a hash of the base's weights, of the data and of the number of layers."""
    found = hashlib.blake2b(
        f"{layers} {base.profile.prompt!r} {base.encoder.device.type}".encode(), digest_size=16
    )
    for value in base.network.state_dict().values():
        found.update(np.ascontiguousarray(value.cpu().numpy()).data)
    found.update("\x1f".join(data.bank.texts).encode())
    arrays: Sequence[NDArray[np.generic]] = (
        data.bank.fields,
        data.learnable,
        data.together,
        *(
            part
            for slates in (data.choices, data.validation)
            for part in (slates.reads, slates.candidates, slates.clicked, slates.offsets)
        ),
    )
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _facts(
    base: BaseModel, data: AdaptationData, described: Ints, options: AdaptOptions, until: int | None
) -> CardFacts:
    return CardFacts(
        base=base.name,
        licence=base.licence,
        prompt=base.profile.prompt,
        pooling=base.profile.pooling,
        contents=data.contents,
        when=data.when,
        until=until,
        articles=len(data.learnable),
        described=len(described),
        together=len(data.together),
        choices=len(data.choices),
        validated=len(data.validation),
        options=options,
    )
