"""The encoder as settings name it, loaded when it is first needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recsys.encoder.article_text import ArticleText
from recsys.encoder.field_concat import FIELDS, article_vectors
from recsys.encoder.protocols import Encoded
from recsys.settings import Settings
from recsys.threads import limit_torch

if TYPE_CHECKING:
    from recsys.encoder.bert import TextEncoder


class LazyEncoder:
    """Articles → vectors. `name` is known without loading the model; vectors of different names never mix."""

    def __init__(self, settings: Settings) -> None:
        self.name = _name(settings)
        self._settings = settings
        self._loaded: TextEncoder | None = None

    def read(self, texts: Sequence[ArticleText]) -> Encoded:
        """See `port.Encoder.read`."""
        return Encoded({self.name: article_vectors(self.loaded(), texts)})

    def loaded(self) -> "TextEncoder":
        """The model, loaded now if it was not yet.

        Raises:
            EncoderError: it cannot be loaded.
        """
        from recsys.encoder.bert import TextEncoder

        if self._loaded is None:
            limit_torch()
            wanted = self._settings
            self._loaded = TextEncoder(
                wanted.encoder, wanted.encoder_max_tokens, wanted.device, wanted.encoder_precision
            )
        return self._loaded


def _name(settings: Settings) -> str:
    """Everything that changes a vector; float32 goes without saying, as in the names of older vectors."""
    precision = "" if settings.encoder_precision == "float32" else f"-{settings.encoder_precision}"
    return f"{settings.encoder}@{settings.encoder_max_tokens}x{FIELDS}{precision}"
