import math

import pytest
import torch

from recsys.adaptation.contrastive_losses import TEMPERATURE, click_loss, co_read_loss, text_loss


def units(*degrees: float) -> torch.Tensor:
    angle = torch.tensor(degrees) * math.pi / 180
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def test_the_text_loss_is_that_of_a_plain_loop() -> None:
    headlines, abstracts = units(0, 30, 50), units(10, 15, 60)
    expected = 0.0
    for row in range(3):
        across = [float(headlines[row] @ abstracts[other]) / TEMPERATURE for other in range(3)]
        down = [float(headlines[other] @ abstracts[row]) / TEMPERATURE for other in range(3)]
        for logits in (across, down):
            expected += math.log(sum(map(math.exp, logits))) - logits[row]
    assert text_loss(headlines, abstracts).item() == pytest.approx(expected / 6, rel=1e-3)


def test_an_article_is_no_negative_of_itself() -> None:
    """Two pairs that share an article have no negatives left: nothing to learn."""
    pairs = torch.stack([units(0, 0), units(40, 90)])
    assert co_read_loss(pairs, torch.tensor([[1, 1], [2, 3]])).item() == pytest.approx(0.0)
    assert co_read_loss(pairs, torch.tensor([[1, 2], [2, 3]])).item() == pytest.approx(0.0)
    assert co_read_loss(pairs, torch.tensor([[1, 4], [2, 3]])).item() > 0.1


def click(candidates: torch.Tensor, rates: list[float]) -> torch.Tensor:
    shown = torch.tensor([[True, True, False]])
    reads, known = units(0, 0, 90)[None], torch.tensor([[True, True, False]])
    padded = torch.cat([candidates, candidates[:1]])[None]
    return click_loss(reads, known, padded, shown, torch.tensor([[*rates, 9.0]]))


def test_reads_and_candidates_that_are_missing_do_not_count() -> None:
    candidates = units(10, 30)
    one, other = (float(candidates[row] @ units(0)[0]) / TEMPERATURE for row in range(2))
    expected = math.log(math.exp(one) + math.exp(other)) - one
    assert click(candidates, [0.0, 0.0]).item() == pytest.approx(expected, rel=1e-4)


def test_clicks_that_popularity_explains_move_the_encoder_less() -> None:
    """A click on a popular article says little about the reader; one on an unpopular article says much."""

    def pull(rates: list[float]) -> float:
        candidates = units(20, 20).requires_grad_()
        click(candidates, rates).backward()
        assert candidates.grad is not None
        return float(candidates.grad.norm())

    assert pull([2.0, 0.0]) < pull([0.0, 0.0]) < pull([0.0, 2.0])
