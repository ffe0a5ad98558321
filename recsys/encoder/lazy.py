"""Encoder from the settings, loaded on first use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recsys.encoder.article_text import ArticleText
from recsys.encoder.encoder_languages import MULTILINGUAL
from recsys.encoder.field_concat import FIELDS, article_vectors
from recsys.encoder.multilingual import unpacked
from recsys.encoder.protocols import Encoded
from recsys.settings import Settings
from recsys.threads import limit_torch

if TYPE_CHECKING:
    from recsys.encoder.bert import TextEncoder


class LazyEncoder:
    """Encoder whose `name` is known before the model is loaded. Vectors of different names are never mixed."""

    def __init__(self, settings: Settings) -> None:
        self.name = _name(settings)
        self._settings = settings
        self._loaded: TextEncoder | None = None

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
                model, settings.encoder_max_tokens, settings.device, settings.encoder_precision
            )
        return self._loaded


def _name(settings: Settings) -> str:
    """Return a name with everything that changes a vector; float32 is omitted, as in older names."""
    precision = "" if settings.encoder_precision == "float32" else f"-{settings.encoder_precision}"
    return f"{settings.encoder}@{settings.encoder_max_tokens}x{FIELDS}{precision}"
