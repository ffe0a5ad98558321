"""Encoder for tests of the encoding process; its module imports little, because that process imports it, too."""

import os
from collections.abc import Sequence

import numpy as np

from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded, TokenEncoder
from recsys.settings import Settings

CRASH, FAIL = "crash", "fail"
NAME = "apart@2"


class ProcessNumbers:
    """The "vector" of a text is the number of the process that encoded it, and the text's length."""

    def __init__(self, _: Settings) -> None:
        self.name = NAME

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        heads = {text.headline for text in texts}
        if CRASH in heads:
            os._exit(3)
        if FAIL in heads:
            raise ValueError(FAIL)
        return Encoded({NAME: np.asarray([[os.getpid(), len(text.headline)] for text in texts], dtype=np.float32)})

    def loaded(self) -> TokenEncoder:
        raise NotImplementedError
