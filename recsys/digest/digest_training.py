"""Training of the digest network and of the worth of words, on meetings with queries, spans and summaries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from recsys.digest.digest import Digester
from recsys.digest.digest_network import DigestConfig, DigestNetwork, SentenceWindows, relevance, windows_of
from recsys.digest.digest_weights import DigestWeights
from recsys.digest.layouts.turn_rows import QmsumMeeting, SummarisedQuery
from recsys.digest.sentence_features import DigestQuery, EncodedText, features, query_for
from recsys.digest.sentences import split_sentences
from recsys.digest.terms import terms_of
from recsys.digest.word_worth import WordWorth, word_features
from recsys.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """Query on a text with its answer. relevant: True for sentences of the marked spans [n]."""

    text: EncodedText
    query: DigestQuery
    relevant: NDArray[np.bool_]
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestFit:
    """Settings of the training."""

    epochs: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 3e-2
    seed: int = 7


def labelled(meeting: QmsumMeeting, digester: Digester) -> list[LabelledQuery]:
    """Return the queries of a meeting with their sentences encoded; none for a meeting without a word.

    Relevant to a general query is whatever a specific query is about: its own spans would be the whole meeting.
    """
    sentences = split_sentences(meeting.meeting.turns)
    if not sentences:
        return []
    text = digester.read(sentences)
    turns = np.asarray([sentence.turn for sentence in sentences])

    of_any_query = [span for each in meeting.specific for span in each.spans]

    def item(each: SummarisedQuery) -> LabelledQuery:
        relevant = np.zeros(len(sentences), dtype=np.bool_)
        for first, last in each.spans or of_any_query:
            relevant |= (turns >= first) & (turns <= last)
        query = query_for(text, each.query, digester.vectors([each.query])[0])
        return LabelledQuery(text, query, relevant, each.answer)

    return [item(each) for each in (*meeting.general, *meeting.specific)]


def fit_digest(
    data: Sequence[LabelledQuery],
    encoder: str,
    config: DigestConfig | None = None,
    fit: DigestFit | None = None,
) -> DigestWeights:
    """Train the network on the relevance of sentences, then the worth of words on the answers.

    Raises:
        DataError: no query has relevant turns.
    """
    trainable = [item for item in data if item.relevant.any()]
    if not trainable:
        raise DataError("the meetings have no query with relevant turns: add specific queries with their spans")
    sizes = config or DigestConfig(dim=data[0].text.vectors.shape[1])
    network = fit_network(trainable, sizes, fit or DigestFit())
    known = [relevance(network, item.text, features(item.text, item.query)) for item in data]
    return DigestWeights(network, fit_worth(data, known), encoder)


def fit_network(data: Sequence[LabelledQuery], config: DigestConfig, fit: DigestFit) -> DigestNetwork:
    """Train on every query in turn: cross-entropy of relevance, each text with the same weight."""
    torch.manual_seed(fit.seed)
    rng = np.random.default_rng(fit.seed)
    network = DigestNetwork(config)
    columns = [features(item.text, item.query) for item in data]
    stacked = np.concatenate(columns)
    network.mean.copy_(torch.from_numpy(stacked.mean(axis=0)))
    network.spread.copy_(torch.from_numpy(stacked.std(axis=0) + 1e-3))
    steps = fit.epochs * len(data)
    optimizer = torch.optim.AdamW(network.parameters(), lr=fit.learning_rate, weight_decay=fit.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, fit.learning_rate, total_steps=steps)
    network.train()
    for _ in range(fit.epochs):
        for place in rng.permutation(len(data)):
            item = data[place]
            loss = _loss(network, windows_of(item.text, columns[place]), item.relevant)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return network.eval()


def fit_worth(data: Sequence[LabelledQuery], relevance: Sequence[Floats]) -> WordWorth:
    """Fit the worth of words, given the relevance [n] of the sentences of each query."""
    rows = np.concatenate(
        [word_features(item.text, item.query, known) for item, known in zip(data, relevance, strict=True)]
    )
    used = np.concatenate([np.isin(item.text.terms.names, terms_of(item.answer)) for item in data])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=500).fit((rows - mean) / spread, used)
    weights = model.coef_[0] / spread
    return WordWorth(weights, float(model.intercept_[0] - weights @ mean))


def _loss(network: DigestNetwork, windows: SentenceWindows, relevant: NDArray[np.bool_]) -> torch.Tensor:
    logits_BH = network(windows)
    target = torch.from_numpy(relevant.astype(np.float32))
    return nn.functional.binary_cross_entropy_with_logits(logits_BH[windows.history.mask], target)
