"""Text of an article's page, by trafilatura (the extra `fulltext`)."""

from recsys.errors import ConfigError


def require_extractor() -> None:
    """Check that trafilatura is installed.

    Raises:
        ConfigError: it is not.
    """
    try:
        import trafilatura  # noqa: F401 - only its presence counts
    except ImportError as error:
        raise ConfigError("--full-text needs trafilatura: pip install 'attune-feed[fulltext]'") from error


def page_text(html: bytes, url: str) -> str | None:
    """Return the main text of a page, without navigation and comments; None if there is none.

    Raises:
        ConfigError: trafilatura is not installed.
    """
    require_extractor()
    import trafilatura

    found: str | None = trafilatura.extract(html, url=url, include_comments=False, include_tables=False)
    return found.strip() or None if found else None
