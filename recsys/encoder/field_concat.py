"""Article vector: the vectors of headline, topic and abstract, concatenated.

The cosine of two articles is then the mean of the cosines of their fields, so every field counts. Untrained, on
200 English MIND impressions: AUC 0.690 and MRR 0.478, against 0.670 and 0.450 with the headline only
(docs/log/). The headline replaces a missing field.
"""

from collections.abc import Sequence

import numpy as np

from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import TokenEncoder, Vectors
from recsys.encoder.token_batches import encode

FIELDS = 3


def article_vectors(encoder: TokenEncoder, texts: Sequence[ArticleText]) -> Vectors:
    """Encode articles as unit vectors [n, 3d]."""
    return concat_fields(encode(encoder, [text.headline for text in texts]), encode_context_fields(encoder, texts))


def encode_context_fields(encoder: TokenEncoder, texts: Sequence[ArticleText]) -> Vectors:
    """Encode the topic and the abstract of each article as unit vectors [n, 2, d]; zero where it has none."""
    fields = [part for text in texts for part in (text.topic, text.abstract)]
    distinct = list(dict.fromkeys(part for part in fields if part))
    row_of = {"": len(distinct)} | {part: row for row, part in enumerate(distinct)}
    known = np.zeros((len(distinct) + 1, encoder.dim), dtype=np.float32)
    known[:-1] = encoder.encode_long(distinct) if encoder.reads_bodies else encode(encoder, distinct)
    rows = np.asarray([row_of[part] for part in fields], dtype=np.int64)
    return known[rows].reshape(len(texts), FIELDS - 1, encoder.dim)


def context_vectors(context_n2d: Vectors) -> Vectors:
    """Return the context of each headline [n, d]: the unit mean of its topic and abstract; zero without both."""
    summed_nd = context_n2d.sum(axis=1)
    norms_n1 = np.linalg.norm(summed_nd, axis=1, keepdims=True)
    return np.asarray(summed_nd / np.where(norms_n1 > 0, norms_n1, 1), dtype=np.float32)


def concat_fields(headlines_nd: Vectors, context_n2d: Vectors) -> Vectors:
    """Return unit vectors [n, 3d] of articles from headline, topic and abstract vectors."""
    missing_n2 = ~context_n2d.any(axis=2, keepdims=True)
    fields_n3d = np.concatenate(
        [headlines_nd[:, None], np.where(missing_n2, headlines_nd[:, None], context_n2d)], axis=1
    )
    return np.asarray(
        (fields_n3d / np.sqrt(np.float32(FIELDS))).reshape(len(headlines_nd), FIELDS * headlines_nd.shape[1])
    )


def split_fields(vectors_nf: Vectors) -> tuple[Vectors, Vectors]:
    """Return headlines [n, d], and topics and abstracts [n, 2, d], of articles [n, 3d]: undo `concat_fields`.

    A field that is missing, or equals the headline, is zero.
    """
    fields_n3d = vectors_nf.reshape(len(vectors_nf), FIELDS, vectors_nf.shape[1] // FIELDS)
    own_n2 = (fields_n3d[:, 1:] != fields_n3d[:, :1]).any(axis=2, keepdims=True)
    unit_n3d = fields_n3d * np.sqrt(np.float32(FIELDS))
    return unit_n3d[:, 0], np.where(own_n2, unit_n3d[:, 1:], np.float32(0))


def with_fields(vectors_nf: Vectors, headlines_nd: Vectors, abstracts_nd: Vectors | None = None) -> Vectors:
    """Return the articles [n, 3d] with other headlines [n, d], and other abstracts [n, d] if given."""
    _, context_n2d = split_fields(vectors_nf)
    if abstracts_nd is not None:
        context_n2d[:, 1] = abstracts_nd
    return concat_fields(headlines_nd, context_n2d)
