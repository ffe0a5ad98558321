"""A publisher's site on an origin of its own: pages with the two pasted lines, and nothing else of Attune."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response

from tests.live import listening

GRANTED = {"consent": "granted"}


@dataclass
class Site:
    """Pages by name. They load the tracker from `service`."""

    service: str
    site_key: str
    address: str
    pages: dict[str, str] = field(default_factory=dict)
    csp: str = ""

    def put(self, name: str, body: str, data: Mapping[str, str] = GRANTED, src: str = "/static/attune.js") -> str:
        """Publish a page and return its address. `data`: attributes `data-…` of the script beside the site key."""
        attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items())
        script = f'<script src="{self.service}{src}" data-site-key="{self.site_key}" {attributes} async></script>'
        self.pages[name] = f"<!doctype html><title>{name}</title>{script}<body style='margin:0'>{body}"
        return f"{self.address}/{name}"

    def article(self, id_: str, data: Mapping[str, str] = GRANTED, height: int = 3_000) -> str:
        """Publish a page with one article, `height` pixels long, and return its address."""
        return self.put(id_, article(id_, height), data)


def article(id_: str, height: int = 3_000) -> str:
    """The second line: an article with a text."""
    return f"<article data-attune-article='{id_}' style='height:{height}px'>text of {id_}</article>"


@contextmanager
def publishing() -> Iterator[Callable[[str, str], Site]]:
    """Give each test a site with a host of its own, and with it a storage of its own in the browser."""
    sites: dict[str, Site] = {}
    app = FastAPI()

    @app.get("/{name}")
    async def page(name: str, request: Request) -> Response:
        site = sites[request.headers["host"]]
        headers = {"Content-Security-Policy": site.csp} if site.csp else {}
        found = site.pages.get(name)
        return Response(found, 200 if found else 404, headers, "text/html; charset=utf-8")

    with listening(app) as address:
        port = address.rpartition(":")[2]

        def new(service: str, site_key: str) -> Site:
            host = f"site-{len(sites)}.localhost:{port}"
            sites[host] = Site(service, site_key, f"http://{host}")
            return sites[host]

        yield new
