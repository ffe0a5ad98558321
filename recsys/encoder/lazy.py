"""Encoder from the settings, loaded on first use."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.cpu_threads import limit_torch
from recsys.encoder.article_text import ArticleText
from recsys.encoder.body_reading import BodyReading
from recsys.encoder.encoder_languages import MULTILINGUAL
from recsys.encoder.field_concat import FIELDS, article_vectors
from recsys.encoder.model_profile import MINILM, ModelProfile, ReadFile, folder_reader, hub_reader, read_profile
from recsys.encoder.multilingual import unpacked
from recsys.encoder.protocols import Encoded
from recsys.settings import Settings

if TYPE_CHECKING:
    from recsys.encoder.bert import TextEncoder


class LazyEncoder:
    """Encoder whose `name` is known before the model is loaded. Vectors of different names are never mixed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: TextEncoder | None = None

    @cached_property
    def name(self) -> str:
        """Name with everything that changes a vector; float32, mean pooling and no prompt are omitted."""
        settings = self._settings
        precision = "" if settings.encoder_precision == "float32" else f"-{settings.encoder_precision}"
        body = "" if self._bodies is None else self._bodies.label
        return f"{settings.encoder}@{settings.encoder_max_tokens}x{FIELDS}{body}{self.profile.label}{precision}"

    @property
    def _bodies(self) -> BodyReading | None:
        return BodyReading(self._settings.token_budget) if self._settings.body else None

    @cached_property
    def profile(self) -> ModelProfile:
        """Pooling and prompt: those that the settings give, else those of the model."""
        settings = self._settings
        model = settings.encoder
        return read_profile(model, _files(model), settings.encoder_pooling, settings.encoder_prompt)

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Implement `protocols.Encoder.read`."""
        return Encoded({self.name: article_vectors(self.loaded(), texts)})

    def loaded(self) -> "TextEncoder":
        """Return the model; load it on the first call.

        Raises:
            EncoderError: it cannot be loaded.
        """
        from recsys.encoder.bert import TextEncoder

        if self._loaded is None:
            limit_torch()
            settings = self._settings
            model = str(unpacked(settings.home)) if settings.encoder == MULTILINGUAL else settings.encoder
            self._loaded = TextEncoder(
                model,
                settings.encoder_max_tokens,
                self.profile,
                settings.device,
                settings.encoder_precision,
            )
            self._loaded.bodies = self._bodies
        return self._loaded


def _files(model: str) -> ReadFile:
    """Return the reader of the files of `model`; those that come with a package are known by their name."""
    if model in (MINILM, MULTILINGUAL):
        return lambda _: None
    folder = Path(model).expanduser()
    return folder_reader(folder) if folder.is_dir() else hub_reader(model)
