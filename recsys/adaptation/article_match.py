"""Centred vectors of articles from the trained layers: those of the three texts, side by side."""

import numpy as np
from numpy.typing import NDArray

from recsys.adaptation.text_bank import TextBank
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.trunk_cache import TrunkCache
from recsys.encoder.field_concat import FIELDS

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

_CENTRE_ARTICLES = 512


def centre_sample(learnable: Ints, seed: int) -> Ints:
    """Return the articles whose mean vector is the centre: up to 512 of `learnable`, sorted."""
    size = min(len(learnable), _CENTRE_ARTICLES)
    return np.sort(np.random.default_rng([seed, 2]).choice(learnable, size, replace=False))


def text_vectors(top: TopLayers, cache: TrunkCache, bank: TextBank, articles: Ints) -> Vectors:
    """Return unit vectors of the texts of `articles` [n] by field, [n, 3, d], each distinct text encoded once."""
    rows = np.stack([bank.rows(articles, field) for field in range(FIELDS)], axis=1)
    distinct, place = np.unique(rows, return_inverse=True)
    return top.frozen_vectors(cache, distinct)[place.reshape(rows.shape)]


def centred(vectors_n3d: Vectors, centres_3d: Vectors) -> Vectors:
    """Return the unit vectors less their centre, with length 1 again [n, 3, d]."""
    moved = vectors_n3d - centres_3d
    return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), np.float32(1e-9)))


def centred_articles(top: TopLayers, cache: TrunkCache, bank: TextBank, articles: Ints, sample: Ints) -> Vectors:
    """Return vectors of `articles` [n] by field, centred on the mean of the articles `sample`: [n, 3, d]."""
    every, place = np.unique(np.concatenate([articles, sample]), return_inverse=True)
    vectors = text_vectors(top, cache, bank, every)
    centres = vectors[place[len(articles) :]].mean(axis=0)
    return centred(vectors[place[: len(articles)]], centres)
