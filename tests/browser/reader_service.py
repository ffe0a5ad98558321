"""A service with a small newsroom whose articles have images, and readers who visit it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Browser, BrowserContext, Route, ViewportSize

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.simulate.world import World, simulate
from recsys.store.database import opened
from tests.application import application
from tests.live import HTTP, listening
from tests.trained import HashEncoder, populated

PATIENCE = 10.0
IMAGES = "https://images.example/"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""Not that of a headless browser, which counts as a bot."""

_BODY = """The morning began quietly. By noon everybody in the town spoke of nothing else.

{}

Nobody had expected it so soon. The plan had been on the table for years, and each spring it was put off; then \
 a letter of two pages changed the mood within a week.

For those who live here, little will change before the summer. What comes after that depends on a vote that is \
still open, and on money that is not yet found."""


@cache
def newsroom() -> World:
    """Four days until now, with images, texts and addresses."""
    made = simulate(readers=60, articles=400, days=4, seed=10, start=datetime.now(UTC) - timedelta(days=4))
    articles = made.articles.with_columns(
        image_url=pl.when(pl.col("id").hash(seed=1) % 5 > 0).then(pl.concat_str(pl.lit(IMAGES), "id")),
        url=pl.concat_str(pl.lit("https://news.example/"), "id"),
        body=pl.format(_BODY, "abstract"),
    )
    return replace(made, articles=articles)


def reader(number: int) -> str:
    """A reader of the newsroom, those with the most events first. Each test takes one of its own."""
    counts = newsroom().events.group_by("reader").len().sort("len", "reader", descending=[True, False])
    return str(counts["reader"][number])


@dataclass(frozen=True)
class ReaderService:
    """Where it answers; with keys, a site key and a key of scope write."""

    address: str
    site_key: str = ""
    write_key: str = ""

    def token(self, reader: str) -> str:
        """A reader token, as the publisher's server gets it."""
        headers = {"Authorization": f"Bearer {self.write_key}"} if self.write_key else {}
        answer = HTTP.post(f"{self.address}/v1/reader-tokens", json={"reader": reader}, headers=headers)
        return str(answer.raise_for_status().json()["token"])

    def stored(self, reader: str, kind: str) -> list[dict[str, Any]]:
        """Events of a kind in the export of a reader, once there is one."""
        headers = {"Authorization": f"Bearer {self.token(reader)}"}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = HTTP.get(f"{self.address}/v1/readers/{reader}/export", headers=headers)
            found = [row for row in answer.raise_for_status().json()["tables"]["events"] if row["kind"] == kind]
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"no {kind} of {reader} arrived")

    def prefer(self, reader: str, **lists: list[str]) -> None:
        """Replace what a reader has chosen."""
        headers = {"Authorization": f"Bearer {self.token(reader)}"}
        body = {"follow": [], "focus": [], "mute": [], **lists}
        HTTP.put(f"{self.address}/v1/readers/{reader}/preferences", json=body, headers=headers).raise_for_status()

    def preferences(self, reader: str) -> dict[str, list[str]]:
        """Return the preferences of a reader."""
        headers = {"Authorization": f"Bearer {self.token(reader)}"}
        answer = HTTP.get(f"{self.address}/v1/readers/{reader}/attention", headers=headers)
        found = answer.raise_for_status().json()["preferences"]
        return {name: found[name] for name in ("follow", "focus", "mute")}


@contextmanager
def reader_service(folder: Path, origin: str | None = None) -> Iterator[ReaderService]:
    """A service over the newsroom: without keys, or with a site key for pages of `origin`."""
    made = populated(folder, newsroom())
    site_key = write_key = ""
    if origin is not None:
        with opened(made.settings.database_url) as database:
            app = application(database)
            site_key = key_admin.create_key(app, Scope.SITE, "site", "test", [origin])[0]
            write_key = key_admin.create_key(app, Scope.WRITE, "server", "test", [])[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
        with listening(create_app(made.settings)) as address:
            yield ReaderService(address, site_key, write_key)


@contextmanager
def visitor(
    browser: Browser,
    size: ViewportSize | None = None,
    dark: bool = False,
    motion: bool = False,
    locale: str = "en-GB",
) -> Iterator[BrowserContext]:
    """A profile of its own that gets a picture for each image of an article, and nothing else from other hosts."""
    context = browser.new_context(
        user_agent=AGENT,
        locale=locale,
        viewport=size or {"width": 1000, "height": 800},
        color_scheme="dark" if dark else "light",
        reduced_motion="no-preference" if motion else "reduce",
    )
    context.set_default_timeout(10_000)
    context.route(f"{IMAGES}**", _picture)
    yield context
    context.close()


def _picture(route: Route) -> None:
    """Answer with hills under a sky, whose colours and shapes depend on the address."""
    seed = sum(map(ord, route.request.url.rpartition("/")[2])) * 47
    hue, sun = seed % 360, 40 + seed % 240
    hills = "".join(
        f"<path d='M0 {110 + 22 * n} Q 80 {60 + 22 * n + seed % (31 + n)} 160 {110 + 20 * n} T 320 {95 + 24 * n}"
        f" V180 H0Z' fill='hsl({(hue + 25 * n) % 360} 34% {52 - 12 * n}%)'/>"
        for n in range(3)
    )
    body = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 320 180' width='320' height='180'>"
        f"<rect width='320' height='180' fill='hsl({hue} 48% 80%)'/>"
        f"<circle cx='{sun}' cy='52' r='20' fill='hsl({(hue + 40) % 360} 80% 92%)'/>{hills}</svg>"
    )
    route.fulfill(body=body, content_type="image/svg+xml")
