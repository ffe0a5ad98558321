"""SVG chart of the AUC lost without each family of features, with 95% intervals."""

from collections.abc import Mapping
from html import escape
from typing import Any

_WIDTH, _LEFT, _ROW, _TOP = 640, 170, 26, 46
_STYLE = "font: 13px system-ui, sans-serif; fill: #333"


def family_plot(rows: Mapping[str, Any], about: str) -> str:
    """Return an SVG of the rows of `ablate_families`, except the first, which is the reference."""
    differences = [(name, row["difference"]["difference"]) for name, row in list(rows.items())[1:]]
    differences.sort(key=lambda each: float(each[1]["mean"]))
    furthest = max([0.001, *(max(-found["low"], -found["mean"]) for _, found in differences)])
    scale = (_WIDTH - _LEFT - 70) / furthest
    height = _TOP + _ROW * len(differences) + 10
    bars = "\n".join(_bar(place, name, found, scale) for place, (name, found) in enumerate(differences))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" style="{_STYLE}">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="10" y="22" font-weight="600">AUC lost, 95% interval: {escape(about)}</text>\n{bars}\n</svg>\n'
    )


def _bar(place: int, name: str, found: Mapping[str, float], scale: float) -> str:
    y = _TOP + _ROW * place
    lost = max(-found["mean"], 0.0) * scale
    low, high = (_LEFT + min(max(-found[end], 0.0), 1.0) * scale for end in ("high", "low"))
    middle = y + 8
    return (
        f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{_LEFT}" y="{y}" width="{lost:.1f}" height="16" fill="#7aa6c2"/>'
        f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="#333"/>'
        f'<text x="{max(_LEFT + lost, high) + 6:.1f}" y="{y + 13}">{-found["mean"]:.4f}</text>'
    )
