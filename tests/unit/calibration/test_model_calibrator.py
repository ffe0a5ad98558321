import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.calibration.attention_sites import Site, input_layers, site_of
from recsys.calibration.breaker import Breaker
from recsys.calibration.input_detector import InputProfile, SeenInputs, fit_inputs
from recsys.calibration.input_statistics import InputObserver, Inputs
from recsys.calibration.model_calibrator import CalibratedModel, HookedModel, ModelCalibrator, rows_of
from recsys.calibration.model_calibrator_files import (
    ARRAYS,
    NUMBERS,
    load_model_calibrator,
    save_model_calibrator,
)
from recsys.calibration.training_loop import FitConfig
from recsys.errors import BundleError, EncoderError
from tests.unit.calibration.any_models import FAMILIES, AnyModel, encoder_decoder, text, vision


@pytest.fixture(params=sorted(FAMILIES))
def model(request: pytest.FixtureRequest) -> AnyModel:
    return FAMILIES[request.param]()


def calibrator_of(
    hooked: HookedModel, batch: dict[str, torch.Tensor], gamma: float, with_content: bool = True
) -> ModelCalibrator:
    _, seen = hooked.observe(batch)
    damaged = seen.inner & (np.arange(seen.inner.shape[1]) % 3 == 0)
    profile = InputProfile.of([seen])
    profile = profile if with_content else profile.of_statistics()
    training = [profile.batch(seen), profile.batch(seen, damaged)]
    detector = fit_inputs(profile, training, [seen], FitConfig(epochs=1))
    return ModelCalibrator(detector, gamma)


def flagging_all(calibrator: ModelCalibrator) -> ModelCalibrator:
    detector = copy.copy(calibrator.detector)
    object.__setattr__(detector, "network", copy.copy(detector.network))
    object.__setattr__(detector.network, "limit", -np.inf)
    return ModelCalibrator(detector, calibrator.gamma, certain=0.0)


def test_without_a_flag_the_output_is_that_of_the_plain_model(model: AnyModel) -> None:
    with torch.inference_mode():
        expected = copy.deepcopy(model.network)(**model.batch).last_hidden_state
    hooked = HookedModel(model)
    torch.testing.assert_close(hooked.plain(model.batch), expected, atol=1e-6, rtol=0)
    observed, _ = hooked.observe(model.batch)
    torch.testing.assert_close(observed, expected, atol=1e-6, rtol=0)
    keys = model.inputs(model.batch).present.shape
    torch.testing.assert_close(hooked.gated(model.batch, np.zeros(keys)), expected, atol=1e-6, rtol=0)
    identity = CalibratedModel(hooked, calibrator_of(hooked, dict(model.batch), gamma=0.0))
    torch.testing.assert_close(identity(model.batch), expected, atol=1e-6, rtol=0)


def test_a_gate_changes_the_output_of_its_example_alone(model: AnyModel) -> None:
    hooked = HookedModel(model)
    plain = hooked.plain(model.batch)
    gate = np.zeros(model.inputs(model.batch).present.shape)
    gate[1, 2] = -10
    found = hooked.gated(model.batch, gate)
    others = [0, 2, 3]
    torch.testing.assert_close(found[others], plain[others], atol=1e-5, rtol=0)
    assert not torch.allclose(found[1], plain[1], atol=1e-3)


def test_flagged_examples_run_again_with_their_gate(model: AnyModel) -> None:
    hooked = HookedModel(model)
    calibrator = flagging_all(calibrator_of(hooked, dict(model.batch), gamma=3.0))
    _, seen = hooked.observe(model.batch)
    gate = calibrator.log_gate(seen, model.inputs(model.batch).present.shape[1])
    expected = hooked.gated(model.batch, gate)
    torch.testing.assert_close(CalibratedModel(hooked, calibrator)(model.batch), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["text", "encoder-decoder"])
def test_padding_changes_no_statistic(family: str) -> None:
    model = FAMILIES[family]()
    hooked = HookedModel(model)
    _, together = hooked.observe(model.batch)
    alone = {name: values[1:2] for name, values in model.batch.items()}
    real = int(alone["attention_mask"].sum())
    for name in ("input_ids", "attention_mask"):
        alone[name] = alone[name][:, :real]
    _, single = hooked.observe(alone)
    np.testing.assert_allclose(together.statistics[1, :real], single.statistics[0], atol=1e-4)
    assert not together.statistics[1, real:].any()


def test_padding_of_the_decoder_changes_no_statistic() -> None:
    model = encoder_decoder()
    hooked = HookedModel(model)
    changed = dict(model.batch)
    _, before = hooked.observe(changed)
    short = rows_of(changed, torch.tensor([2]))
    short["decoder_input_ids"] = short["decoder_input_ids"][:, :4]
    _, after = hooked.observe(short)
    np.testing.assert_allclose(before.statistics[2], after.statistics[0], atol=1e-4)


def test_cross_attention_with_a_gate_equals_the_materialised_formula() -> None:
    model = encoder_decoder()
    hooked = HookedModel(model)
    gate = -3 * np.random.default_rng(0).random((4, 9))
    captured: dict[str, torch.Tensor] = {}
    cross = model.network.decoder.layers[0].encoder_attn
    for name in ("q_proj", "k_proj", "v_proj"):
        getattr(cross, name).register_forward_hook(lambda *given, name=name: captured.update({name: given[2]}))
    cross.out_proj.register_forward_hook(lambda *given: captured.update({"context": given[1][0]}))
    hooked.gated(model.batch, gate)
    query, key, value = (
        captured[name].view(4, -1, 4, 8).transpose(1, 2).double() for name in ("q_proj", "k_proj", "v_proj")
    )
    logits = query @ key.mT * cross.scaling + torch.from_numpy(gate)[:, None, None]
    logits = logits.masked_fill(model.batch["attention_mask"][:, None, None] == 0, -torch.inf)
    expected = (logits.softmax(dim=-1) @ value).transpose(1, 2).flatten(start_dim=2)
    torch.testing.assert_close(captured["context"].double(), expected, atol=1e-5, rtol=1e-5)


def test_the_received_mass_equals_a_plain_loop() -> None:
    model = text()
    hooked = HookedModel(model)
    _, seen = hooked.observe(model.batch)
    model.network.set_attn_implementation("eager")
    with torch.inference_mode():
        attention = model.network(**model.batch, output_attentions=True).attentions
    for row, length in enumerate(model.batch["attention_mask"].sum(dim=1).tolist()):
        for key in range(length):
            shares = [length * attention[1][row, 2, query, key].item() for query in range(length)]
            # layer 1, head 2, `received`: statistics are ordered by layer, head, statistic
            assert seen.statistics[row, key, 24 + 2 * 6] == pytest.approx(np.log1p(np.mean(shares)), abs=1e-5)


def test_sites_are_known_by_name() -> None:
    names = ["encoder.layers.0.self_attn", "decoder.layers.0.self_attn", "decoder.layers.0.encoder_attn"]
    assert [site_of(name, is_encoder_decoder=True) for name in names] == [Site.SELF, Site.DECODER, Site.CROSS]
    assert site_of("model.decoder.layers.3.self_attn", is_encoder_decoder=False) is Site.SELF
    assert input_layers(names, is_encoder_decoder=True) == {0, 2}


def test_the_gate_leaves_the_self_attention_of_the_decoder_alone() -> None:
    """Source and target of one length must not be confused."""
    model = encoder_decoder()
    hooked = HookedModel(model)
    batch = {**model.batch, "decoder_input_ids": torch.randint(3, 50, (4, 9))}
    plain = hooked.plain(batch)
    everything = np.full((4, 9), -20.0)  # the same for all inputs: no change
    torch.testing.assert_close(hooked.gated(batch, everything), plain, atol=1e-4, rtol=0)
    assert any("encoder_attn" in name for name in hooked.layers)


def test_wrong_inputs_are_refused_with_the_fix() -> None:
    class Wrong(AnyModel):
        def inputs(self, batch: dict[str, torch.Tensor]) -> Inputs:  # type: ignore[override]
            ones = torch.ones(4, 16, dtype=torch.bool)
            return Inputs(ones, ones)

    given = vision()
    with pytest.raises(EncoderError, match="special tokens included"):
        HookedModel(Wrong(given.network, given.batch)).observe(given.batch)


def test_an_open_breaker_serves_the_plain_model() -> None:
    model = vision()
    hooked = HookedModel(model)
    breaker = Breaker(flag_rate=0.05)
    calibrator = flagging_all(calibrator_of(hooked, dict(model.batch), gamma=10.0))
    calibrated = CalibratedModel(hooked, calibrator, breaker)
    assert not torch.allclose(calibrated(model.batch), hooked.plain(model.batch), atol=1e-4)
    for _ in range(30):  # 120 examples whose inputs are all flagged
        calibrated(model.batch)
    assert breaker.open
    torch.testing.assert_close(calibrated(model.batch), hooked.plain(model.batch))


@pytest.mark.parametrize("with_content", [True, False])
def test_a_saved_calibrator_is_the_same(tmp_path: Path, with_content: bool) -> None:
    model = text()
    hooked = HookedModel(model)
    calibrator = flagging_all(calibrator_of(hooked, dict(model.batch), 3.0, with_content))
    save_model_calibrator(calibrator, tmp_path / "new", task="text")
    loaded = load_model_calibrator(tmp_path / "new")
    _, seen = hooked.observe(model.batch)
    np.testing.assert_array_equal(loaded.log_gate(seen, 9), calibrator.log_gate(seen, 9))
    (tmp_path / "new" / NUMBERS).write_text("{}")
    with pytest.raises(BundleError, match="calibrate the model again"):
        load_model_calibrator(tmp_path / "new")
    (tmp_path / "new" / ARRAYS).unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        load_model_calibrator(tmp_path / "new")


def test_inner_keys_move_to_the_front_and_back() -> None:
    rng = np.random.default_rng(0)
    inner = rng.random((5, 8)) < 0.5
    statistics = rng.random((5, 8, 3)).astype(np.float32)
    seen = SeenInputs.of(statistics, statistics[..., :2], inner)
    back = seen.scattered(seen.statistics[..., 0].astype(np.float64), 8)
    np.testing.assert_allclose(back, np.where(inner, statistics[..., 0], 0.0))
    assert (seen.inner.sum(axis=1) == inner.sum(axis=1)).all()


def test_an_even_share_is_one_whatever_a_query_may_attend() -> None:
    """The first key of a causal decoder is seen by all queries, the last by one: neither is over-attended."""
    ones = torch.ones(2, 6, dtype=torch.bool)
    observer = InputObserver(Inputs(ones, ones), lambda _: Site.SELF)
    allowed = torch.ones(2, 1, 6, 6, dtype=torch.bool).tril()
    observer.see(0, torch.zeros(2, 3, 6, 4), torch.randn(2, 3, 6, 4), allowed, 0.5)
    received = observer.statistics().reshape(2, 6, 3, 6)[..., 0]
    np.testing.assert_allclose(received, np.log(2), atol=1e-6)


def test_a_layer_that_runs_again_counts_with_its_first_step() -> None:
    ones = torch.ones(1, 4, dtype=torch.bool)
    once, twice = (InputObserver(Inputs(ones, ones), lambda _: Site.CROSS) for _ in range(2))
    query, key = torch.randn(2, 1, 2, 1, 8), torch.randn(1, 2, 4, 8)
    once.see(0, query[0], key, None, 0.4)
    for step in query:
        twice.see(0, step, key, None, 0.4)
    np.testing.assert_array_equal(once.statistics(), twice.statistics())
