"""Attention sites: the places of a model where attention is computed, and the keys that each one attends.

Many models have no `layer_idx` and no flag for cross attention, so a site is known by the name of its module.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

_CROSS = re.compile(r"cross|encoder_attn|enc_?dec_?attention", re.IGNORECASE)
_DECODER = re.compile(r"(^|\.)decoder(\.|$)", re.IGNORECASE)


class Site(StrEnum):
    """Kind of attention: `self` of an encoder or of a decoder-only model, `decoder`, or `cross`."""

    SELF = "self"
    DECODER = "decoder"
    CROSS = "cross"


def site_of(name: str, is_encoder_decoder: bool) -> Site:
    """Return the kind of attention of the module `name` in its model.

    Only an encoder–decoder has `decoder` sites: its decoder attends the output, not the inputs. In a decoder-only
    model the keys of the self-attention are the inputs.
    """
    if _CROSS.search(name):
        return Site.CROSS
    return Site.DECODER if is_encoder_decoder and _DECODER.search(name) else Site.SELF


def input_layers(names: Sequence[str], is_encoder_decoder: bool) -> frozenset[int]:
    """Return the numbers of the layers whose keys are the inputs: self-attention and cross attention."""
    sites = [site_of(name, is_encoder_decoder) for name in names]
    return frozenset(layer for layer, site in enumerate(sites) if site is not Site.DECODER)
