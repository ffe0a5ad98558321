"""Import of LightGBM for a service, without the parts that it does not need."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_lightgbm() -> None:
    """Import LightGBM without its scikit-learn wrappers, which a service does not use.

    LightGBM imports scikit-learn, and with it SciPy's statistics, if they are installed: a sixth of the CPU time
    of a start, and 65 MB in every worker. Training needs scikit-learn, and imports LightGBM normally.
    """
    if "sklearn" not in sys.modules:
        with _hidden("sklearn"):
            import lightgbm  # noqa: F401


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of `module` in this block fail as if it were not installed (None in `sys.modules`)."""
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
