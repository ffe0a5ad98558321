import json
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.calibration.model_calibrator import HookedModel
from recsys.errors import DataError, EncoderError
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.text_classification import TextClassification, read_texts
from tests.tiny_encoder import write_tiny
from tests.trained import world


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> TextClassification:
    folder = write_tiny(tmp_path_factory.mktemp("model") / "tiny")
    titles = world().articles["title"].to_list()
    texts = (titles * (500 // len(titles) + 1))[:500]
    labels = [["long", "short"][len(text) < 40] for text in texts]
    return TextClassification(str(folder), texts, labels, seed=0)


def test_damaged_words_are_marked_on_their_tokens(task: TextClassification) -> None:
    rng = np.random.default_rng(0)
    found = task.damage(task.test, NoiseKind.PUNCTUATION.value, rng)
    inner = found.batch["inner"].numpy()
    assert found.mask.any(axis=1).all()
    assert not (found.mask & ~inner).any()
    assert (found.mask.sum(axis=1) < inner.sum(axis=1)).all()


def test_special_tokens_and_padding_may_not_be_flagged(task: TextClassification) -> None:
    inputs = task.model.inputs(task.test.batch)
    assert not inputs.inner[:, 0].any()
    assert (inputs.present.sum(dim=1) - inputs.inner.sum(dim=1) == 2).all()


def test_padding_changes_no_output(task: TextClassification) -> None:
    hooked = HookedModel(task.model)
    together = hooked.plain(task.test.batch)
    length = int(task.test.batch["attention_mask"][0].sum())
    alone = {
        name: values[:1, :length] if values.ndim == 2 else values[:1] for name, values in task.test.batch.items()
    }
    torch.testing.assert_close(hooked.plain(alone), together[:1], atol=1e-4, rtol=1e-4)


def test_no_text_is_in_two_parts(task: TextClassification) -> None:
    parts = [set(part.group.tolist()) for part in (task.training, task.validation, task.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_texts_are_read_from_csv_and_json_lines(tmp_path: Path) -> None:
    rows = [(f"text {number}", "ab"[number % 2]) for number in range(40)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(f"{text},{label}" for text, label in rows))
    lines = [json.dumps({"text": text, "label": label}) for text, label in [*rows, ("rare", "c")]]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    expected = [list(column) for column in zip(*rows, strict=True)]
    assert list(read_texts(tmp_path / "a.csv")) == expected
    assert list(read_texts(tmp_path / "a.jsonl")) == expected  # a label of one text is left out


@pytest.mark.parametrize(
    ("content", "why"),
    [("text,kind\na,b\n", "needs `text` and `label`"), ("{broken", "cannot be read"), ("[1]", "needs `text`")],
)
def test_a_wrong_file_is_refused_with_the_fix(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / ("a.csv" if "," in content else "a.jsonl")
    file.write_text(content)
    with pytest.raises(DataError, match=why):
        read_texts(file)


def test_too_few_texts_and_a_wrong_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 500"):
        TextClassification("any", ["a"], ["b"], seed=0)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        TextClassification(str(tmp_path), ["a"] * 500, ["b"] * 500, seed=0)
