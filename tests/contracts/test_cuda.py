"""A CUDA device computes the same as the CPU, to rounding. Skipped where there is none."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recsys.calibration.calibrator import Plan
from recsys.encoder.bert import TextEncoder
from recsys.user_model.batch_scoring import one_by_one
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.preference_network import PreferenceNetwork
from recsys.user_model.trainer import FitConfig, Trainer
from tests.unit.user_model.cases import TINY, toy

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")

TEXTS = [
    "Rain",
    "sport tennis: Home player wins the open after five long sets in the sun",
    "Council votes on tram",
    "finance markets: Bank raises interest rates for the third time this year",
]
LEAST_COSINE = 0.999
"""Of bfloat16 to float32."""


@pytest.fixture(scope="module")
def cpu() -> TextEncoder:
    return TextEncoder(device="cpu")


@pytest.fixture(scope="module")
def cuda() -> TextEncoder:
    return TextEncoder(device="cuda")


def plan(tokens: list[list[int]]) -> Plan:
    """Every third word read less, and some heads mixed."""
    log_gate = np.zeros((len(tokens), max(map(len, tokens))))
    log_gate[:, 1::3] = -2.0
    mix = np.random.default_rng(7).uniform(0, 0.5, size=(len(tokens), 6, 12))
    return Plan(np.arange(len(tokens)), log_gate, mix, np.zeros_like(log_gate, dtype=np.bool_))


def close(one: NDArray[np.float32], other: NDArray[np.float32], tolerance: float = 2e-5) -> None:
    np.testing.assert_allclose(one, other, atol=tolerance)


def test_vectors_and_adjusted_vectors_are_those_of_the_cpu(cpu: TextEncoder, cuda: TextEncoder) -> None:
    tokens = cpu.tokenize(TEXTS)
    close(cuda.encode_tokens(tokens), cpu.encode_tokens(tokens))
    close(cuda.encode_tokens(tokens, plan(tokens)), cpu.encode_tokens(tokens, plan(tokens)))


def test_statistics_of_attention_are_those_of_the_cpu(cpu: TextEncoder, cuda: TextEncoder) -> None:
    tokens = cpu.tokenize(TEXTS)
    (vectors, here), (_, there) = cuda.observe_tokens(tokens), cpu.observe_tokens(tokens)
    close(vectors, cuda.encode_tokens(tokens))
    close(here.heads, there.heads, 1e-4)
    close(here.tokens, there.tokens, 1e-4)


def test_bfloat16_stays_near_float32(cpu: TextEncoder) -> None:
    tokens = cpu.tokenize(TEXTS)
    short = TextEncoder(device="cuda", precision="bfloat16")
    for how in (None, plan(tokens)):
        cosine = (short.encode_tokens(tokens, how) * cpu.encode_tokens(tokens, how)).sum(axis=1)
        assert cosine.min() >= LEAST_COSINE


def test_a_network_trained_there_serves_on_the_cpu_with_the_same_scores() -> None:
    data, table = toy(300, seed=1)
    torch.manual_seed(0)
    config = FitConfig(epochs=2, batch=64, learning_rate=5e-3)
    trainer = Trainer(PreferenceNetwork(TINY), data, table, config, torch.device("cuda"))
    loss = [trainer.epoch(data.usable()) for _ in range(3)]
    assert loss[-1] < loss[0]
    serving = NetworkMatcher(trainer.network.weights())
    slates = np.arange(20)
    alone = one_by_one(lambda reads, shown: serving.match(reads, shown, 0).scores, data, slates, table)
    for one, other in zip(alone, trainer.scores(slates), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
