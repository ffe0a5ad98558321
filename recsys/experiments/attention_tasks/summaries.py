"""Extractive summaries: passages of meetings by a small BERT over sentence vectors, with distractor sentences.

Data: meetings of QMSum (Zhong et al. 2021). An example is a query and four passages of its meeting, one to three
of them from relevant_text_span. The extract has five sentences. It is compared with the five that share most
content words with the annotators' answer, as extractive summarisers are trained (Nallapati et al. 2017).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.calibration.training_loop import FitConfig
from recsys.experiments.attention_tasks.meeting_material import (
    GARBLED,
    NOTICE,
    SPAM,
    Material,
    MeetingQuery,
    material,
    passages,
)
from recsys.experiments.attention_tasks.parts import train
from recsys.training.calibration.model_task import Damaged, Examples, split

_OTHER, _DOUBLED = "other meeting", "doubled"
_PASSAGES, _MOST_RELEVANT, _EXTRACT = 4, 3, 5
_EXAMPLES = (30, 6, 8, 8)
"""Examples of each query: to train the network, train the detector, choose the gate, and test."""

_SPLIT = (0.3, 0.3, 0.2, 0.2)
_INSERTED = 3
"""One distractor for this many sentences."""

_FIT = FitConfig(epochs=6, batch=32, learning_rate=1e-3)


class Summariser(torch.nn.Module):
    """BERT over sentences, with a linear head on each.

    table: vectors of all sentences [S, d]; they are not trained.
    """

    def __init__(self, encoder: BertModel, table: torch.Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = encoder.config
        width = encoder.config.hidden_size
        self.table = torch.nn.Parameter(table, requires_grad=False)
        self.project = torch.nn.Linear(table.shape[1], width)
        self.match = torch.nn.Linear(1, width)
        self.head = torch.nn.Linear(width, 1)
        # random directions would blur sentences, and be smaller than the vectors of positions
        mean = table[1:].mean(dim=0)
        _, spread, axes = torch.linalg.svd(table[1:] - mean, full_matrices=False)
        scaled = axes[:width] / spread[:width, None] * len(table) ** 0.5
        with torch.no_grad():
            self.project.weight.copy_(scaled)
            self.project.bias.copy_(-scaled @ mean)

    def set_attn_implementation(self, name: str) -> None:
        """Switch the attention of the encoder."""
        self.encoder.set_attn_implementation(name)

    def forward(self, rows_BT: torch.Tensor) -> torch.Tensor:
        """Return the logits of relevance (B, T) of rows of the table, the query first, 0 at padding."""
        vectors_BTD = self.table[rows_BT]
        match_BT1 = (vectors_BTD * vectors_BTD[:, :1]).sum(dim=-1, keepdim=True)
        hidden_BTD = self.encoder(
            inputs_embeds=self.project(vectors_BTD) + self.match(match_BT1), attention_mask=(rows_BT != 0).long()
        ).last_hidden_state
        logits: torch.Tensor = self.head(hidden_BTD).squeeze(-1)
        return logits


class SummaryModel:
    """Summariser. Its extract is a selection of its inputs, so the weight of an input multiplies its relevance."""

    def __init__(self, network: Summariser) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: the query, which is not flagged, and the sentences."""
        present = batch["rows"] != 0
        inner = present.clone()
        inner[:, 0] = False
        return Inputs(present, inner)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the relevance of each sentence (B, T), 0 for the query and padding."""
        relevance_BT: torch.Tensor = self.network(batch["rows"]).sigmoid() * self.inputs(batch).inner
        return relevance_BT if weights is None else relevance_BT * weights


class Summaries:
    """Task of summaries, with a network trained on undamaged passages."""

    trained_kinds = (_OTHER, SPAM, _DOUBLED)
    held_out_kinds = (NOTICE, GARBLED)

    def __init__(self, data: Material, seed: int) -> None:
        rng = np.random.default_rng(seed)
        parts = split({}, np.unique([query.meeting for query in data.queries]), rng, _SPLIT)
        self._data = data
        self._part = np.zeros(data.meeting.max() + 1, dtype=np.int64)
        for number, part in enumerate(parts):
            self._part[part.group] = number
        learning, self.training, self.validation, self.test = (
            _examples([each for each in data.queries if each.meeting in part.group], count, rng)
            for part, count in zip(parts, _EXAMPLES, strict=True)
        )
        torch.manual_seed(seed)
        encoder = BertModel(
            BertConfig(
                vocab_size=1,
                hidden_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=128,
                max_position_embeddings=64,
            ),
            add_pooling_layer=False,
        )
        self.model = model = SummaryModel(Summariser(encoder, torch.from_numpy(data.vectors)))

        def loss(part: dict[str, torch.Tensor], weights: torch.Tensor) -> torch.Tensor:
            kept_BT = model.inputs(part).inner & (weights > 0.5)
            logits_N, truth_N = (values[kept_BT] for values in (model.network(part["rows"]), part["relevant"]))
            return torch.nn.functional.binary_cross_entropy_with_logits(logits_N, truth_N)

        train(model, learning, loss, _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Insert a distractor for every three sentences: a copy behind its sentence, others at any place."""
        pairs = zip(examples.batch["rows"].numpy(), examples.batch["relevant"].numpy(), strict=True)
        found = [self._inserted(row[row != 0], truth[row != 0], kind, rng) for row, truth in pairs]
        rows, relevant, mask = map(_padded, zip(*found, strict=True))
        return Damaged({"rows": torch.from_numpy(rows), "relevant": torch.from_numpy(relevant)}, mask)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return the F1 of the sentences of each extract [n]; a distractor is wrong in it."""
        chosen_BE = outputs.topk(_EXTRACT, dim=1).indices
        common_B = batch["relevant"].gather(1, chosen_BE).sum(dim=1)
        return (2 * common_B / (_EXTRACT + batch["relevant"].sum(dim=1))).double().numpy()

    def _inserted(
        self, rows: NDArray[np.int64], relevant: NDArray[np.float32], kind: str, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        count = (len(rows) - 1) // _INSERTED
        if kind == _DOUBLED:
            before = rng.permutation(np.arange(2, len(rows) + 1))[:count]
            added = rows[before - 1]
        else:
            before = rng.integers(1, len(rows) + 1, size=count)
            added = rng.choice(self._pool(kind, int(self._data.meeting[rows[1]])), size=count)
        return (
            np.insert(rows, before, added),
            np.insert(relevant, before, 0.0),
            np.insert(np.zeros(len(rows), dtype=np.bool_), before, True),
        )

    def _pool(self, kind: str, meeting: int) -> NDArray[np.int64]:
        """Return the distractors; those of other meetings come from the same part of the data."""
        if kind != _OTHER:
            return self._data.distractors[kind]
        of = self._data.meeting
        same_part = np.flatnonzero(self._part == self._part[meeting])
        return np.flatnonzero(np.isin(of, same_part) & (of != meeting))


def read_material(file: Path) -> Material:
    """Read annotated meetings, and encode their sentences by MiniLM, which takes minutes.

    Raises:
        DataError: the file cannot be read, or has too few meetings.
    """
    from recsys.digest.layouts.read_meeting import read_qmsum
    from recsys.encoder.bert import TextEncoder
    from recsys.encoder.model_profile import MINILM
    from recsys.encoder.token_batches import encode

    return material(list(read_qmsum([file])), partial(encode, TextEncoder(MINILM)))


def _examples(queries: Sequence[MeetingQuery], count: int, rng: np.random.Generator) -> Examples:
    """Return `count` examples of each query that has relevant passages and others."""
    rows, relevant, meeting = [], [], []
    for query in queries:
        for _ in range(count):
            inside, outside = passages(query, rng)
            wanted = min(int(rng.integers(1, _MOST_RELEVANT + 1)), len(inside))
            if not wanted or len(outside) < _PASSAGES - wanted:
                continue
            chosen = [inside[each] for each in rng.permutation(len(inside))[:wanted]]
            chosen += [outside[each] for each in rng.permutation(len(outside))[: _PASSAGES - wanted]]
            sentences = np.sort(np.concatenate(chosen))
            shared = query.shared[sentences - query.rows[0]]
            truth = (shared > 0) & ((-shared).argsort(kind="stable").argsort() < _EXTRACT)
            if not truth.any():
                continue
            rows.append(np.concatenate([[query.row], sentences]))
            relevant.append(np.concatenate([[0], truth]).astype(np.float32))
            meeting.append(query.meeting)
    batch = {name: torch.from_numpy(_padded(values)) for name, values in (("rows", rows), ("relevant", relevant))}
    return Examples(batch, np.array(meeting, dtype=np.int64))


def _padded(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays [n, T] of different lengths, with 0 behind each."""
    out = np.zeros((len(values), max(map(len, values))), dtype=values[0].dtype)
    for row, each in enumerate(values):
        out[row, : len(each)] = each
    return out
