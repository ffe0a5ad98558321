"""Communities that can be recovered from what the engine learned, against the planted ones."""

import numpy as np

from recsys.projection.vector_table import VectorTable
from recsys.simulate.newsroom import Floats, Ints
from recsys.state.event_codes import HIDDEN
from recsys.state.live_state import LiveState

_STARTS, _ROUNDS = 10, 100


def from_follows(state: LiveState, readers: list[str], communities: int, rng: np.random.Generator) -> Ints:
    """Return a community of each of `readers` [r] from the folded follow graph.

    Spectral clustering (Ng, Jordan and Weiss 2001): k-means on the leading eigenvectors of the normalised graph,
    each reader's row scaled to length 1.
    """
    rows = state.readers.lookup(readers)
    authors = state.catalog.authors.lookup(readers)
    follows = state.follows.follows(rows[:, None], authors[None, :]).astype(np.float64)
    weights = follows + follows.T
    scale = 1 / np.sqrt(np.maximum(weights.sum(axis=1), 1.0))
    _, vectors = np.linalg.eigh(weights * scale[:, None] * scale)
    return k_means(_unit(vectors[:, -communities:]), communities, rng)


def from_reads(
    state: LiveState, vectors: VectorTable, readers: list[str], communities: int, rng: np.random.Generator
) -> Ints:
    """Return a community of each of `readers` [r] from the mean vector of what they read and did not hide."""
    means = np.zeros((len(readers), vectors.take(np.zeros(1, dtype=np.int64)).shape[1]))
    for place, reader in enumerate(readers):
        history = state.history(reader, state.histories.rings.length)
        rows = history.article[(history.flags & HIDDEN) == 0]
        rows = rows[vectors.has(rows)]
        if len(rows):
            means[place] = vectors.take(rows).mean(axis=0)
    return k_means(_unit(means - means.mean(axis=0)), communities, rng)


def k_means(points: Floats, clusters: int, rng: np.random.Generator) -> Ints:
    """Return the cluster of each of `points` [n, d]: Lloyd's algorithm, the best of ten k-means++ starts."""
    best, least = np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(_STARTS):
        centres = _spread_out(points, clusters, rng)
        for _ in range(_ROUNDS):
            distances = ((points[:, None] - centres) ** 2).sum(axis=2)
            found = distances.argmin(axis=1)
            moved = np.array([points[found == c].mean(axis=0) if (found == c).any() else centres[c]
                              for c in range(clusters)])  # fmt: skip
            if np.allclose(moved, centres):
                break
            centres = moved
        if (loss := float(distances.min(axis=1).sum())) < least:
            best, least = found, loss
    return best


def mutual_information(one: Ints, two: Ints) -> float:
    """Return the normalised mutual information of two partitions, in 0..1: over the mean of their entropies."""
    table = np.zeros((int(one.max()) + 1, int(two.max()) + 1))
    np.add.at(table, (one, two), 1 / len(one))
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    mean = (_entropy(rows) + _entropy(columns)) / 2
    return (_entropy(rows) + _entropy(columns) - _entropy(table.ravel())) / mean if mean else 1.0


def _entropy(shares: Floats) -> float:
    known = shares[shares > 0]
    return float(-(known * np.log(known)).sum())


def _spread_out(points: Floats, clusters: int, rng: np.random.Generator) -> Floats:
    centres = [points[rng.integers(len(points))]]
    while len(centres) < clusters:
        distances = np.min([((points - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
        total = distances.sum()
        centres.append(points[rng.choice(len(points), p=distances / total if total else None)])
    return np.asarray(centres)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
