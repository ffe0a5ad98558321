"""Keys of stories: publishers send one story under several ids, with tracking parameters or as an AMP page.

Two articles with one canonical URL are copies of one story. So are two articles with one title, of one source and
not of two languages, if they were published within days of each other (`state.stories`): their URLs may differ, or
lack.
"""

import hashlib
import re
import unicodedata
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.language_codes import language_code

NO_KEY = 0

_HOST_PREFIX = re.compile(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)")
_TRACKING = re.compile(
    r"(?:utm|pk|piwik|mtm)_.*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_[ce]id|_ga|_gl|cmpid"
    r"|ocid|ncid|ref_src|_hsenc|_hsmi|mkt_tok|oly_(?:enc|anon)_id|wt_z?mc|at_(?:medium|campaign)"
)
_AMP_SUFFIX = re.compile(r"\.amp(?=$|\.html?$)")
_NO_WORD = re.compile(r"[\W_]+")
_LEAST_WORDS, _LEAST_CHARS = 4, 20
"""A shorter title, in both, names no story: "Weather today"."""


class StoryKeys(NamedTuple):
    """Keys [n] of articles; `NO_KEY` for none. title: of title and source. language: in any form of its code."""

    url: NDArray[np.uint64]
    title: NDArray[np.uint64]
    language: NDArray[np.uint64]


def story_keys(articles: pl.DataFrame) -> StoryKeys:
    """Return the keys of `articles` [n] (columns of `frames.ARTICLES`)."""
    urls = [_hash(url_key(url)) for url in articles["url"].to_list()]
    titles = [_hash(title_key(*row)) for row in articles.select("title", "source").iter_rows()]
    languages = [_hash(language_code(given)) for given in articles["language"].to_list()]
    return StoryKeys(*(np.asarray(keys, dtype=np.uint64) for keys in (urls, titles, languages)))


def url_key(url: str | None) -> str | None:
    """Return `url` without what does not name the page; None if nothing but the host is left.

    Dropped are the scheme, `www.`, `m.` and `amp.` before the host, `amp` in the path and the query, parameters of
    tracking, the fragment and a trailing slash; other parameters are sorted.
    """
    if not url:
        return None
    address, _, query = url.strip().partition("#")[0].partition("?")
    host, *parts = address.partition("://")[2].split("/") if "://" in address else address.lstrip("/").split("/")
    host = host.lower().removesuffix(":80").removesuffix(":443")
    while (shorter := _HOST_PREFIX.sub("", host)) != host:
        host = shorter
    path = [_AMP_SUFFIX.sub("", part) for part in parts if part and part.lower() != "amp"]
    parameters = sorted(pair for pair in query.split("&") if pair and _names_page(pair))
    return "/".join([host, *path]) + "?" + "&".join(parameters) if path or parameters else None


def title_key(title: str, source: str | None = None) -> str | None:
    """Return the words of `title` and its source; None for a title too short to name a story."""
    words = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", title).casefold()).strip()
    if words.count(" ") + 1 < _LEAST_WORDS and len(words) < _LEAST_CHARS:
        return None
    return f"{words}\x1f{(source or '').casefold()}"


def is_tracking(parameter: str) -> bool:
    """Return True if a parameter of this name says where a visit came from; it does not change the page."""
    return _TRACKING.fullmatch(parameter.lower()) is not None


def _names_page(pair: str) -> bool:
    name, _, value = pair.lower().partition("=")
    return not is_tracking(name) and name != "amp" and (name, value) != ("outputtype", "amp")


def _hash(key: str | None) -> int:
    if key is None:
        return NO_KEY
    digest = hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
