"""Digest of a calibrator file. Importing it does not import torch."""

import hashlib
from pathlib import Path


def digest(path: Path) -> str:
    """Return the digest of a calibrator file; vectors made with it carry it in their name."""
    return digest_of(path.read_bytes())


def digest_of(content: bytes) -> str:
    """Return the digest of the content of a file."""
    return hashlib.blake2b(content, digest_size=6).hexdigest()
