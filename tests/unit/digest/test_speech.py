"""Recordings, with a random speech model of a few thousand weights."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from recsys.digest.transcription import is_recording, read_samples, transcribe
from recsys.errors import ConfigError, DataError

RATE = 16_000


def write_wav(path: Path, seconds: float, rate: int = 8_000, channels: int = 2) -> Path:
    samples = np.random.default_rng(5).integers(-9_000, 9_000, (int(seconds * rate), channels), dtype=np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def write_model(folder: Path) -> Path:
    folder.mkdir()
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({name: row for row, name in enumerate(["<pad>", "<unk>", "|", *"abcdefgh"])}))
    tokenizer = Wav2Vec2CTCTokenizer(
        str(vocabulary), pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|"
    )
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=RATE, return_attention_mask=False)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    torch.manual_seed(1)
    config = Wav2Vec2Config(
        vocab_size=11, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_stride=(20, 16), conv_kernel=(20, 16), num_feat_extract_layers=2,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


def test_a_recording_becomes_turns_with_their_times(tmp_path: Path) -> None:
    meeting = transcribe(write_wav(tmp_path / "m.wav", 31), str(write_model(tmp_path / "model")))
    assert len(meeting.turns) + sum(meeting.rejected.values()) == 2
    assert [turn.seconds for turn in meeting.turns] in ([0.0, 30.0], [0.0], [30.0], [])


def test_samples_are_mono_at_the_rate_of_the_model(tmp_path: Path) -> None:
    samples = read_samples(write_wav(tmp_path / "m.wav", 2), RATE)
    assert samples.shape == (2 * RATE,)
    assert np.abs(samples).max() <= 1


def test_a_recording_without_a_model_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--speech-model"):
        transcribe(write_wav(tmp_path / "m.wav", 1), None)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match="cannot load the speech model"):
        transcribe(write_wav(tmp_path / "m.wav", 1), str(tmp_path / "none"))


def test_a_damaged_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(DataError, match="cannot be decoded"):
        read_samples(path, RATE)


def test_recordings_are_known_by_their_names() -> None:
    assert is_recording(Path("a.MP3"))
    assert not is_recording(Path("a.vtt"))
