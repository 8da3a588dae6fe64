"""Entries of a splice model as the package `spliceai` writes them into INFO, for the tools that read it there."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from workers.genomics.sequences.splicing.deltas import GENES_TYPE, KINDS

__all__ = ["GENES_TYPE", "KEY", "meaning", "texts"]

KEY = "SpliceAI"
"""The INFO key that other tools look for."""

_FORMAT = "|".join(["ALLELE", "SYMBOL", *(f"{what}_{kind.upper()}" for what in ("DS", "DP") for kind in KINDS)])


def meaning(model: str) -> str:
    """The description of the key: tools find the fields behind the word Format."""
    return (
        f"variant annotation of model {model} in the layout of SpliceAI. These include delta scores (DS) and delta "
        "positions (DP) for acceptor gain (AG), acceptor loss (AL), donor gain (DG), and donor loss (DL). "
        f"Format: {_FORMAT}"
    )


def texts(genes: pa.ChunkedArray, alts: pa.ChunkedArray) -> list[str | None]:
    """A value an allele: an entry a gene, with commas between them; None where there is none."""
    pairs = zip(genes.to_pylist(), alts.to_pylist(), strict=True)
    return [",".join(_entry(alt, entry) for entry in found) if found else None for found, alt in pairs]


def _entry(alt: str, entry: dict[str, Any]) -> str:
    scores: Sequence[str] = [f"{entry[f'ds_{kind}']:.2f}" for kind in KINDS]
    return "|".join([alt, entry["symbol"], *scores, *(str(entry[f"dp_{kind}"]) for kind in KINDS)])
