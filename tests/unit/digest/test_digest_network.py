from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.digest.digest_network import WINDOW, relevance, windows_of
from recsys.digest.digest_training import fit_digest
from recsys.digest.digest_weights import SHIPPED, load_weights, save_weights
from recsys.digest.meeting import Turn
from recsys.digest.sentence_features import FEATURES, features, query_for
from recsys.digest.sentences import split_sentences
from recsys.digest.terms import subject_terms, term_table
from recsys.errors import BundleError, DataError
from tests.unit.digest.meetings import untrained, weights


def test_windows_hold_every_sentence_once_in_order() -> None:
    turns = [Turn(speaker="A", text=f"word{place} and more") for place in range(WINDOW + 3)]
    text = untrained().read(split_sentences(turns))
    columns = np.arange(len(text) * len(FEATURES), dtype=np.float32).reshape(len(text), -1)
    windows = windows_of(text, columns)
    assert windows.features.shape == (2, WINDOW, len(FEATURES))
    np.testing.assert_array_equal(windows.features[windows.history.mask].numpy(), columns)
    np.testing.assert_array_equal(
        windows.history.vectors[windows.history.rows[windows.history.mask]].numpy(), text.vectors
    )


def test_weights_survive_their_file(tmp_path: Path) -> None:
    trained, path = weights(), tmp_path / "w.safetensors"
    save_weights(trained, path)
    loaded = load_weights(path)
    text = untrained().read(
        split_sentences([Turn(speaker="A", text="The price is twelve euros. Who pays for it?")])
    )
    columns = features(text, query_for(text, "price", text.vectors[0]))
    np.testing.assert_array_equal(
        relevance(trained.network, text, columns), relevance(loaded.network, text, columns)
    )
    assert loaded.encoder == "hashed"
    np.testing.assert_allclose(loaded.worth.weights, trained.worth.weights, rtol=1e-5)


def test_calibrated_attention_lowers_short_sentences_in_a_noisy_meeting() -> None:
    network = weights().network
    text = untrained().read(
        split_sentences([Turn(speaker="A", text="Yes. The price is twelve euros and fifty cents.")])
    )
    columns = features(text, query_for(text, "price", text.vectors[0]))
    plain = relevance(network, text, columns)
    network.calibrate(replace(network.config, dwell_weight=1.0))
    ratio = relevance(network, text, columns) / plain
    assert ratio[0] < ratio[1]


def test_training_is_the_same_every_time() -> None:
    first, second = weights().network.state_dict(), weights().network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_without_a_relevant_turn_is_refused() -> None:
    with pytest.raises(DataError, match="add specific queries with their spans"):
        fit_digest([], "hashed")


def test_a_damaged_file_is_refused_with_the_command_that_writes_it_again(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"none")
    with pytest.raises(BundleError, match="attune minutes train"):
        load_weights(path)


def test_the_shipped_weights_are_small_and_for_the_default_encoder() -> None:
    assert SHIPPED.stat().st_size < 1_000_000
    shipped = load_weights(SHIPPED)
    assert shipped.encoder == "minilm"
    assert shipped.network.config.dim == 384


def test_a_question_about_the_meeting_has_no_subject() -> None:
    assert subject_terms("Summarize the whole meeting.") == []
    assert subject_terms("What did Marketing say about the prices?") == ["market", "price"]


def test_bm25_is_zero_without_a_common_term_and_prefers_the_rare_one() -> None:
    table = term_table(["The price is high.", "The remote is yellow.", "The remote is grey."])
    assert table.bm25(["titanium"]).tolist() == [0, 0, 0]
    price, remote, _ = table.bm25(["price", "remot"])
    assert price > remote > 0
