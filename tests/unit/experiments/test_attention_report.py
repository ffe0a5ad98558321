"""The measurements of calibrated attention as a page."""

from typing import Any

from recsys.experiments.attention_report import report
from tests.unit.evaluation.pages import Page

FOUND = {"auroc": 0.95, "accuracy": 0.9, "recall": 0.8, "f1": 0.85}
TOPIC = {"accuracy": 0.75, "cosine": 0.9}
GAIN = {"mean": 0.01, "low": -0.002, "high": 0.02}


def damage(lost: float, share: float | None) -> dict[str, Any]:
    return {
        "auc": {"off": 0.6, "tokens": 0.61, "oracle": 0.65},
        "lost": lost,
        "recovered": {"tokens": share, "oracle": share},
        "gain": {arm: {**GAIN, "standard_error": None} for arm in ("tokens", "oracle")},
    }


def history(arms: dict[str, float], recovered: float | None) -> dict[str, Any]:
    others = [arm for arm in arms if arm != "off"]
    return {
        "auc": arms,
        "lost": 0.04,
        "gain": {arm: [0.02, None if arm == "mean" else 0.001] for arm in others},
        "recovered": dict.fromkeys(others, recovered),
    }


def result() -> dict[str, Any]:
    whole = {"off": 0.64, "calibrated": 0.66, "mean": 0.62}
    return {
        "detection": {
            "articles": 40,
            "normal_texts_anomalous": 0.01,
            "normal_words_flagged": 0.05,
            "held_out": {"clickbait <b>": 0.87},
            "kinds": {
                "clickbait <b>": {"trained": False, "structure": FOUND, "tokens": {**FOUND, "auroc": 0.5}},
            },
        },
        "topics": {
            "articles": 40,
            "topics": 3,
            "fields": {
                "headline": {
                    "undamaged": {"off": TOPIC, "tokens": TOPIC},
                    "kinds": {"random <i>": {"off": {**TOPIC, "accuracy": 0.5}, "tokens": TOPIC}},
                    "mean": {"recovered": {"tokens": GAIN}},
                }
            },
        },
        "robustness": {
            "slates": 9,
            "seeds": 2,
            "undamaged": {"off": 0.67, "tokens": 0.66, "oracle": 0.67},
            "undamaged_gain": {"tokens": GAIN, "oracle": GAIN},
            "damaged": {"random <i>": damage(0.05, 0.43), "harmless": damage(-0.01, None)},
        },
        "history": {
            "slates": 8,
            "seeds": 2,
            "models": {
                "content": {"0%": history(whole, None), "30% & more": history(whole, 0.42)},
                "network": {"30%": history({"off": 0.65, "calibrated": 0.651}, 0.18)},
            },
        },
    }


def rows(number: int) -> list[list[str]]:
    return list(Page(report(result())).tables.values())[number]


def test_a_page_has_its_six_tables_of_full_rows_and_closes_what_it_opens() -> None:
    page = Page(report(result()))
    assert len(page.tables) == 6
    assert page.open == []
    for table in page.tables.values():
        assert {len(row) for row in table} == {len(table[0])}


def test_findings_are_reported_by_kind_and_detector() -> None:
    header, clickbait = rows(0)
    assert header[:6] == ["damage", "D2 trained", "D1 AUROC", "D1 accuracy", "D1 recall", "D1 F1"]
    assert clickbait == [
        "clickbait <b>",
        "no",
        "0.950",
        "0.900",
        "0.800",
        "0.850",
        "0.500",
        "0.900",
        "0.800",
        "0.850",
        "0.870",
    ]


def test_topics_are_reported_by_damage_and_arm_with_the_recovered_share() -> None:
    assert rows(1) == [
        ["damage", "off", "tokens", "cosine, off"],
        ["none", "0.750", "0.750", "0.900"],
        ["random <i>", "0.500", "0.750", "0.900"],
        ["recovered", "", "1%", ""],
    ]


def test_without_topics_there_is_no_table_of_them() -> None:
    assert len(Page(report({**result(), "topics": None})).tables) == 5


def test_the_ranking_is_reported_by_damage_and_arm_with_the_loss() -> None:
    assert rows(2) == [
        ["damage", "off", "tokens", "oracle", "lost"],
        ["none", "0.6700", "0.6600", "0.6700", "–"],
        ["random <i>", "0.6000", "0.6100", "0.6500", "0.0500"],
        ["harmless", "0.6000", "0.6100", "0.6500", "-0.0100"],
    ]


def test_gains_have_their_intervals_and_a_share_only_of_what_was_lost() -> None:
    header, none, corrupted, harmless = rows(3)
    gain = "+0.0100 [-0.0020, +0.0200]"
    assert header == ["damage", "tokens", "oracle"]
    assert none[1:] == [gain] * 2
    assert corrupted[1:] == [f"{gain} (43%)"] * 2
    assert [cell.strip() for cell in harmless[1:]] == [gain] * 2


def test_histories_are_reported_by_model_and_share_and_missing_figures_are_dashes() -> None:
    assert rows(4)[1:] == [
        ["content, 0%", "0.6400", "0.6600", "0.6200", "0.0400"],
        ["content, 30% & more", "0.6400", "0.6600", "0.6200", "0.0400"],
        ["network, 30%", "0.6500", "0.6510", "–", "0.0400"],
    ]
    gains = [[cell.strip() for cell in row] for row in rows(5)]
    assert gains[0] == ["histories", "calibrated", "mean"]
    assert gains[2][1:] == ["+0.0200 ± 0.0010 (42%)", "+0.0200 ± – (42%)"]
    assert gains[3] == ["network, 30%", "+0.0200 ± 0.0010 (18%)", "–"]


def test_names_are_escaped() -> None:
    text = report(result())
    assert "clickbait &lt;b&gt;" in text
    assert "random &lt;i&gt;" in text
    assert "30% &amp; more" in text
    assert "<b>" not in text
    assert "<i>" not in text
