"""Reading an HTML page as tests need it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects the tables of a page, as rows of cells by caption; `open` are the elements that were not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables, self.open = dict[str, list[list[str]]](), list[str]()
        self._caption = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img"), "the page needs no network"
        if tag in ("table", "tr", "td", "th", "h1", "p", "style", "title", "caption"):
            self.open.append(tag)
        if tag == "tr":
            self.tables[self._caption].append([])
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append("")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "caption":
            self._caption = data
            self.tables[data] = []
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[self._caption][-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag == self.open[-1]:
            self.open.pop()
