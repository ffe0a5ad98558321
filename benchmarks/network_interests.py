"""Interests of the preference network on simulated readers who follow several topics.

    python -m benchmarks.network_interests [--readers 600] [--articles 2000] [--days 10] [--seeds 3]

Trains the network with one interest and with four, without evidence of other matches, and compares their AUC on
the last day, paired. For readers with at least 30 reads: how many of the three categories that a reader follows
are the nearest category of some interest. Articles have vectors of words. Goals: +0.005 AUC with its lower bound
above 0, and four in five categories found.
"""

import argparse
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.interests import planted
from benchmarks.newsroom import WordEncoder, stored
from recsys.evaluation.bootstrap import compare
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable, align_vectors
from recsys.simulate.phrases import CATEGORIES
from recsys.simulate.readers import INTERESTS
from recsys.simulate.world import World, simulate
from recsys.state.live_state import LiveState
from recsys.training.dataset import Corpus, load_corpus
from recsys.training.interest_figures import interest_figures
from recsys.training.reader_histories import collect
from recsys.training.training_run import silent
from recsys.training.user_model_training import make_trainer, slate_aucs
from recsys.user_model.batch_scoring import histories, scores
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork
from recsys.user_model.trainer import FitConfig

GAIN, FOUND, LEAST_READS = 0.005, 0.8, 30

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Newsroom:
    """Simulated newsroom. data: slates with histories; state and vectors: at the end."""

    world: World
    corpus: Corpus
    data: PreferenceData
    state: LiveState
    vectors: VectorTable

    @property
    def last_day(self) -> Ints:
        """Slates of the validation slice."""
        return self.data.between(self.corpus.when.validate_from, self.corpus.when.until)


def newsroom(readers: int, articles: int, days: int) -> Newsroom:
    """Simulate a newsroom, and collect the histories of its slates."""
    world = simulate(readers, articles, days)
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        try:
            corpus = load_corpus(database, WordEncoder(), None, silent)
            with database.read() as connection, Replay(connection, corpus.when.until) as log:
                table = align_vectors(log.state, corpus.articles, corpus.vectors, corpus.space)
                data = collect(log, table, corpus.labelled_requests, silent)
                return Newsroom(world, corpus, data, log.state, table)
        finally:
            database.close()


def trained(room: Newsroom, interests: int, seed: int) -> PreferenceNetwork:
    """Train a network on all days before the last, with early stopping on a fifth of them."""
    train = room.data.between(room.corpus.when.start, room.corpus.when.validate_from)
    early, late = np.split(train, [len(train) * 4 // 5])
    trainer = make_trainer(room.data, room.vectors, FitConfig(seed=seed), "cpu", interests)
    trainer.fit_with_early_stopping(
        early,
        lambda: float(slate_aucs(room.data, late, trainer.scores(late)).mean()),
        lambda _epoch, _auc: None,
    )
    return trainer.network


def aucs(room: Newsroom, network: PreferenceNetwork) -> Floats:
    """Return the AUC of each slate of the last day."""
    logits = scores(network, room.data, room.last_day, torch.from_numpy(room.vectors.matrix))
    return slate_aucs(room.data, room.last_day, logits)


def categories_found(room: Newsroom, network: PreferenceNetwork) -> Floats:
    """Return the share of followed categories that are nearest to an interest, by reader of enough reads."""
    names = [category.name for category in CATEGORIES]
    of_article = dict(room.world.articles.select("id", "category").iter_rows())
    rows = room.state.articles.lookup(list(of_article)).astype(np.int64)
    codes = np.asarray([names.index(name) for name in of_article.values()])
    table = torch.from_numpy(room.vectors.matrix)
    with torch.inference_mode():
        directions = network.directions(table[torch.from_numpy(rows)]).numpy()
        centroids = np.stack([directions[codes == code].mean(axis=0) for code in range(len(names))])
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
        newest = {int(room.data.reader[slate]): int(slate) for slate in room.last_day}
        chosen = [slate for slate in newest.values() if room.data.lengths(np.asarray([slate]))[0] >= LEAST_READS]
        interests, _ = network.interests(histories(room.data, np.asarray(chosen), table))
    nearest = (interests.vectors.numpy() @ centroids.T).argmax(axis=2)
    truth = planted(room.world)
    shares = []
    for slate, found in zip(chosen, nearest, strict=True):
        reader = room.world.readers.places[room.state.readers.strings[room.data.reader[slate]]]
        followed = np.argsort(-truth[reader])[:INTERESTS]
        shares.append(float(np.isin(followed, found).mean()))
    return np.asarray(shares)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="one interest against four")
    for name, default in (("readers", 600), ("articles", 2_000), ("days", 10), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    room = newsroom(given.readers, given.articles, given.days)
    four, one, found = [], [], []
    for seed in range(given.seeds):
        many = trained(room, 4, seed)
        four.append(aucs(room, many))
        one.append(aucs(room, trained(room, 1, seed)))
        found.append(categories_found(room, many))
        figures = interest_figures(many, room.data, room.last_day, room.vectors.matrix)
        assert figures is not None
        won = " ".join(f"{share:.2f}" for share in figures.won)
        print(
            f"seed {seed}: four {four[-1].mean():.4f}, one {one[-1].mean():.4f}, categories found "
            f"{found[-1].mean():.3f}, median cosine {figures.cosine:.3f}, candidates won {won}",
            flush=True,
        )
    gain = compare(np.mean(four, axis=0), np.mean(one, axis=0), room.data.reader[room.last_day]).difference
    reached = gain.mean >= GAIN and gain.low > 0
    print(
        f"gain {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}], goal {GAIN}: {'met' if reached else 'missed'}"
    )
    share = float(np.mean(found))
    print(f"categories found {share:.3f}, goal {FOUND}: {'met' if share >= FOUND else 'missed'}")


if __name__ == "__main__":
    main()
