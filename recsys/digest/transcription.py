"""Recordings → turns, by any transformers speech model."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.digest.layouts.turn_builder import TurnBuilder
from recsys.digest.meeting import Meeting
from recsys.errors import ConfigError, DataError

SUFFIXES = (".wav", ".mp3", ".flac", ".m4a", ".ogg", ".opus", ".webm", ".mp4")

_CHUNK_SECONDS = 30.0


def is_recording(path: Path) -> bool:
    """Return whether the name of a file is that of a recording."""
    return path.suffix.lower() in SUFFIXES


def transcribe(path: Path, model: str | None, device: str = "cpu") -> Meeting:
    """Transcribe a recording; it has no names of speakers.

    model: a Hugging Face id or a folder. Whisper models give a turn per phrase with its time, others one turn per
    30 seconds.

    Raises:
        ConfigError: there is no model, or it cannot be loaded.
        DataError: the recording cannot be decoded.
    """
    if model is None:
        raise ConfigError(
            f"{path} is a recording: name a speech model with --speech-model, an id or a folder "
            f"(openai/whisper-small), or give a transcript"
        )
    recognizer = _recognizer(model, device)
    builder = TurnBuilder()
    rate: int = recognizer.feature_extractor.sampling_rate
    samples = read_samples(path, rate)
    size = int(_CHUNK_SECONDS * rate)
    for start in range(0, len(samples), size):
        piece = {"raw": samples[start : start + size], "sampling_rate": rate}
        _add(builder, _recognized(recognizer, piece), start / rate)
    return builder.meeting()


def read_samples(path: Path, rate: int) -> NDArray[np.float32]:
    """Decode a recording to mono samples [s] at `rate` per second; other formats than 16-bit WAV need ffmpeg.

    Raises:
        DataError: the recording cannot be decoded.
    """
    if path.suffix.lower() == ".wav":
        return _wav(path, rate)
    from transformers.pipelines.audio_utils import ffmpeg_read

    try:
        decoded: NDArray[np.float32] = ffmpeg_read(path.read_bytes(), rate)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be decoded: {error}; install ffmpeg, or convert it to WAV") from error
    return decoded


def _wav(path: Path, rate: int) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    try:
        with wave.open(str(path), "rb") as file:
            width, channels, own_rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise DataError(f"{path} cannot be decoded: {error}; convert it to WAV with 16 bits") from error
    if width != np.dtype(np.int16).itemsize:
        raise DataError(f"{path} has {8 * width} bits a sample; convert it to WAV with 16 bits")
    samples = np.frombuffer(content, dtype="<i2").reshape(-1, channels).mean(axis=1) / np.float32(32_768)
    common = int(np.gcd(rate, own_rate))
    return np.asarray(resample_poly(samples, rate // common, own_rate // common), dtype=np.float32)


def _recognizer(model: str, device: str) -> Any:
    from transformers import pipeline

    folder = Path(model).expanduser()
    name = str(folder) if folder.is_dir() else model
    try:
        return pipeline("automatic-speech-recognition", model=name, device=device)
    except Exception as error:  # transformers raises many kinds for a missing or unfit model
        raise ConfigError(
            f"cannot load the speech model {model!r}: {error}; name an installed model, an id or a folder"
        ) from error


def _recognized(recognizer: Any, piece: dict[str, Any]) -> dict[str, Any]:
    options = {"return_timestamps": True} if recognizer.type == "seq2seq_whisper" else {}
    found: dict[str, Any] = recognizer(piece, **options)
    return found


def _add(builder: TurnBuilder, found: dict[str, Any], start: float) -> None:
    chunks = found.get("chunks") or [{"text": found["text"], "timestamp": (0.0, None)}]
    for chunk in chunks:
        builder.add("", chunk["text"], start + (chunk["timestamp"][0] or 0.0))
