"""Imports of a worker, done once in the fork server: the workers are its forks, and share these pages in memory.

Only imports happen here: threads, open files and parallel loops do not survive a fork.
"""

import gc
from contextlib import suppress

with suppress(ImportError):  # without FAISS the exact index serves
    import faiss  # noqa: F401

import api.app
import api.worker  # noqa: F401

gc.collect()
gc.freeze()  # a later collection would write to every object, and so copy the shared pages
