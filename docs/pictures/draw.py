"""Draw the two pictures of the concepts: `python docs/pictures/draw.py` writes the SVG files beside this one.

Boxes carry their own colours and arrows are grey, so that the pictures read on light and on dark pages.
"""

from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent
GREY, INDIGO, TEAL, AMBER, SLATE = "#8b93a7", "#3f51b5", "#00796b", "#b45309", "#546078"
FONT = "font-family='Helvetica, Arial, sans-serif'"

Box = tuple[int, int, int, int]


def box(place: Box, title: str, lines: tuple[str, ...], colour: str) -> str:
    """A rounded box with a title and lines below it, centred."""
    x, y, width, height = place
    middle, top = x + width / 2, y + height / 2 - 9 * len(lines) + 5
    texts = [f"<text x='{middle}' y='{top}' font-size='16' font-weight='bold'>{escape(title)}</text>"]
    for number, line in enumerate(lines, 1):
        texts.append(f"<text x='{middle}' y='{top + 2 + 18 * number}' font-size='13'>{escape(line)}</text>")
    return (
        f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='10' fill='{colour}'/>"
        f"<g fill='#ffffff' text-anchor='middle' {FONT}>{''.join(texts)}</g>"
    )


def arrow(*points: tuple[int, int]) -> str:
    """A line through the points with a head at the last one."""
    path = " ".join(f"{x},{y}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{GREY}' stroke-width='2.5' marker-end='url(#head)'/>"


def label(x: int, y: int, text: str, anchor: str = "start") -> str:
    """A word beside an arrow."""
    return (
        f"<text x='{x}' y='{y}' font-size='13' fill='{GREY}' text-anchor='{anchor}' {FONT}>{escape(text)}</text>"
    )


def picture(name: str, title: str, width: int, height: int, parts: list[str]) -> None:
    """Write one SVG file."""
    head = (
        "<marker id='head' markerUnits='userSpaceOnUse' markerWidth='12' markerHeight='12'"
        " refX='9' refY='5' orient='auto'>"
        f"<path d='M0,0 L10,5 L0,10 z' fill='{GREY}'/></marker>"
    )
    start = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img'>"
    body = "\n".join([start, f"<title>{escape(title)}</title><defs>{head}</defs>", *parts, "</svg>\n"])
    (FOLDER / f"{name}.svg").write_text(body, encoding="utf-8")


def architecture() -> None:
    """Parts of Attune and the data between them."""
    parts = [
        box((40, 20, 250, 80), "Publisher", ("articles, impressions, clicks,", "read time, preferences"), SLATE),
        box((375, 20, 250, 80), "Ingest", ("files, /v1, Gorse API:", "validate, count, reject"), SLATE),
        box((710, 20, 250, 80), "Database", ("event log, articles, vectors", "SQLite or PostgreSQL"), AMBER),
        box((120, 195, 230, 80), "State", ("fold of the log: counters,", "histories, ratings"), TEAL),
        box(
            (400, 195, 230, 80),
            "Encoder and index",
            ("BERT vectors of articles,", "nearest neighbours (FAISS)"),
            TEAL,
        ),
        box((680, 195, 230, 80), "Bundle", ("trained models: user model,", "rankers, calibrator"), TEAL),
        box((120, 330, 790, 64), "Engine", ("retrieve, compute features, score, select, explain",), INDIGO),
        box(
            (120, 465, 230, 80), "Service", ("feeds and rankings over HTTP,", "metrics, keys, experiments"), INDIGO
        ),
        box((400, 465, 230, 80), "Evaluation", ("causal replay of the log,", "baselines, intervals"), INDIGO),
        box((680, 465, 230, 80), "Training", ("replays the same log,", "publishes a bundle"), INDIGO),
        arrow((290, 60), (373, 60)),
        arrow((625, 60), (708, 60)),
        arrow((835, 100), (835, 155), (235, 155), (235, 194)),
        arrow((515, 155), (515, 194)),
        label(246, 176, "all events, in order"),
        label(526, 176, "new articles"),
        *(arrow((x, 275), (x, 329)) for x in (235, 515, 795)),
        *(arrow((x, 394), (x, 463)) for x in (235, 515, 795)),
        arrow((910, 505), (950, 505), (950, 235), (912, 235)),
        label(958, 370, "publish"),
        arrow((120, 505), (70, 505), (70, 128), (770, 128), (770, 102)),
        label(80, 121, "slates and clicks are logged"),
    ]
    picture("architecture", "Architecture of Attune", 1020, 565, parts)


def request() -> None:
    """The eight steps from a request to its log entry."""
    steps = [
        ("1  Request", ("GET /v1/feed/r42", "reader, limit, minutes"), SLATE),
        ("2  Query", ("catch up with the log,", "build the interests"), TEAL),
        ("3  Retrieve", ("up to 300 candidates", "from several sources"), TEAL),
        ("4  Features", ("about 90 columns of", "article, reader, moment"), TEAL),
        ("5  Score", ("user model, trees,", "utility of a reading"), INDIGO),
        ("6  Select", ("caps, quotas, diversity,", "exploration, budget"), INDIGO),
        ("7  Explain", ("check each reason", "against the score"), INDIGO),
        ("8  Log", ("slate, positions,", "propensities, model"), AMBER),
    ]
    parts = []
    for number, (title, lines, colour) in enumerate(steps):
        x, y = 20 + 250 * (number % 4), 20 + 150 * (number // 4)
        parts.append(box((x, y, 210, 90), title, lines, colour))
        if number % 4 != 3:
            parts.append(arrow((x + 210, y + 45), (x + 248, y + 45)))
    parts.append(arrow((875, 110), (875, 140), (125, 140), (125, 168)))
    text = "The logged slate, and the clicks on it, change the state that the next request uses."
    parts.append(label(500, 300, text, "middle"))
    picture("request", "A request, step by step", 1000, 325, parts)


if __name__ == "__main__":
    architecture()
    request()
