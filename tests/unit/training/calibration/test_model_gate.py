"""A planted damage on a network made by hand, whose repair is known."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch, CalibratedModel, HookedModel
from recsys.errors import DataError
from recsys.experiments.attention_tasks.catalogue import HEADER, report, rows
from recsys.experiments.attention_tasks.run_tasks import measure, share, summary
from recsys.training.calibration import model_gate
from recsys.training.calibration.model_gate import calibrate
from recsys.training.calibration.model_task import Damaged, Examples, mixed_damage

_LENGTH, _CLASSES = 10, 4


@pytest.fixture(autouse=True)
def few_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_gate, "DRAWS", 3)
    monkeypatch.setattr(model_gate, "VALIDATION_DRAWS", 1)


class Votes:
    """Tokens vote for a class by their vectors; pooling is a mean, so damage of a wrong class wins votes.

    With `helpful` False, damaged tokens carry the truth, so leaving them out can only hurt.
    """

    trained_kinds = ("votes",)
    held_out_kinds = ("more votes",)

    def __init__(self, helpful: bool = True, count: int = 600) -> None:
        rng = np.random.default_rng(0)
        self.helpful = helpful
        labels = rng.integers(_CLASSES, size=count)
        ids = labels[:, None] * 3 + rng.integers(3, size=(count, _LENGTH)) + 1
        batch = {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}
        everything = Examples(batch, np.arange(count))
        third = count // 3
        self.training, self.validation, self.test = (
            everything[np.arange(start, start + third)] for start in (0, third, 2 * third)
        )
        torch.manual_seed(0)
        network = BertModel(
            BertConfig(
                vocab_size=40,
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                initializer_range=0.3,
                hidden_dropout_prob=0.0,
            )
        )
        self.model = Voting(network)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        ids = examples.batch["input_ids"].numpy().copy()
        labels = examples.batch["labels"].numpy()
        wrong = (labels + 1) % _CLASSES if self.helpful else labels
        mask = np.zeros(ids.shape, dtype=np.bool_)
        mask[:, 2 : 8 if kind == "votes" else 9] = True
        ids = np.where(mask, 20 + wrong[:, None], ids)
        return Damaged({**examples.batch, "input_ids": torch.from_numpy(ids)}, mask)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        return (outputs.argmax(dim=-1) == batch["labels"]).double().numpy()


class Voting:
    """The network runs for its attention; the votes are the ids."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        present = torch.ones(batch["input_ids"].shape, dtype=torch.bool)
        return Inputs(present, present)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        self.network(input_ids=batch["input_ids"])
        ids = batch["input_ids"]
        votes = torch.where(ids >= 20, ids - 20, (ids - 1) // 3)
        weight = torch.ones(ids.shape) if weights is None else weights
        return (torch.nn.functional.one_hot(votes, _CLASSES) * weight.unsqueeze(-1)).sum(dim=1)


def test_planted_damage_is_found_and_repaired() -> None:
    task = Votes()
    found = measure(task, seed=0)
    assert found.decision["on"]
    assert min(found.auroc.values()) > 0.95
    assert found.arms["damaged"].mean() < 0.1
    assert found.arms["calibrated"][~found.held_out].mean() > 0.9
    assert found.arms["oracle"].mean() == 1.0
    assert found.arms["random"].mean() < 0.5
    figures = summary([found], {"trained": ["votes"], "held_out": ["more votes"]}, seconds=1.0)
    assert figures["won_back"]["calibrated"]["low"] > 0.3
    assert figures["verdict"].startswith("goal reached")
    [row] = rows({"votes": figures})
    assert len(row) == len(HEADER)
    page = report({"votes": figures})
    assert "more votes" in page
    assert figures["verdict"] in page


def test_the_gate_refuses_what_cannot_help() -> None:
    task = Votes(helpful=False)
    hooked, decision = calibrate(task, seed=0)
    assert not decision.on
    assert decision.calibrator.identity
    calibrated = CalibratedModel(hooked, decision.calibrator)
    torch.testing.assert_close(calibrated(task.test.batch), hooked.plain(task.test.batch))


def test_too_few_examples_are_refused_with_the_fix() -> None:
    with pytest.raises(DataError, match="give more data"):
        calibrate(Votes(count=90), seed=0)


def test_every_example_is_damaged_once_by_kinds_in_even_shares() -> None:
    task = Votes()
    kinds = (*task.trained_kinds, *task.held_out_kinds)
    parts = mixed_damage(task, task.test, kinds, np.random.default_rng(0))
    assert [len(examples) for examples, _ in parts] == [100, 100]
    groups = np.concatenate([examples.group for examples, _ in parts])
    assert sorted(groups) == sorted(task.test.group)


def test_a_share_won_back_is_the_ratio_of_the_sums() -> None:
    gain, lost = np.tile([0.0, 1.0, 0.0, 1.0], 50), np.tile([1.0, 1.0, 1.0, 1.0], 50)
    found = share(gain, lost, np.arange(200))
    assert found is not None
    assert found.mean == 0.5
    assert 0.4 < found.low < 0.5 < found.high < 0.6
    assert share(gain, np.zeros(200), np.arange(200)) is None
    uncertain = np.tile([1.0, 1.0, -0.9, -0.9], 50)
    assert share(gain, uncertain, np.arange(200)) is None
    assert isinstance(HookedModel(Votes().model), HookedModel)
