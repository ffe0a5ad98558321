"""The encoder as settings name it, loaded when it is first needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys.settings import Settings

if TYPE_CHECKING:
    from recsys.encoder.bert import TextEncoder


class LazyEncoder:
    """Texts → vectors. `name` is known without loading the model; vectors of different names never mix."""

    def __init__(self, settings: Settings) -> None:
        self.name = f"{settings.encoder}@{settings.encoder_max_tokens}"
        self._settings = settings
        self._loaded: TextEncoder | None = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, dim] of `texts`.

        Raises:
            EncoderError: the model cannot be loaded, or gave vectors that are not finite.
        """
        from recsys.encoder.batch import encode
        from recsys.encoder.bert import TextEncoder

        if self._loaded is None:
            wanted = self._settings
            self._loaded = TextEncoder(wanted.encoder, wanted.encoder_max_tokens, wanted.device)
        return encode(self._loaded, texts)
