"""LightGBM without its scikit-learn wrappers, which Attune does not use: import it from here, as `lgb`.

LightGBM imports scikit-learn, and with it SciPy's statistics, if they are installed: three quarters of the time of
its import, and 65 MB in every process.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of `module` in this block fail as if it were not installed (None in `sys.modules`)."""
    if module in sys.modules:  # then hiding it saves nothing
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


with _hidden("sklearn"):
    import lightgbm as lgb

__all__ = ["lgb"]
