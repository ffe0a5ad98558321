"""What a service leaves out so that it starts sooner."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_lightgbm() -> None:
    """Import LightGBM without its wrappers for scikit-learn, which nothing here uses.

    LightGBM imports scikit-learn, and that SciPy's statistics, wherever they are installed: a sixth of the CPU of
    a start, and 65 MB in every worker. A process that trains needs scikit-learn and lets LightGBM find it.
    """
    if "sklearn" not in sys.modules:
        with _hidden("sklearn"):
            import lightgbm  # noqa: F401


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Who looks for `module` inside is told that it is not installed (`sys.modules` documents None for that)."""
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
