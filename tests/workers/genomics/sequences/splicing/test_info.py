"""INFO as the package spliceai writes it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from schemas.arrow_types import parse_type
from workers.genomics.sequences.splicing.info import GENES_TYPE, meaning, texts


def test_an_allele_has_an_entry_a_gene_with_two_decimals() -> None:
    entry = {
        "symbol": "RYR1", "ds_ag": 0.004, "ds_al": 0.0, "ds_dg": 0.9149, "ds_dl": np.float32(0.0751),
        "dp_ag": -28, "dp_al": -46, "dp_dg": -2, "dp_dl": -31,
    }  # fmt: skip
    genes = pa.chunked_array([pa.array([[entry, {**entry, "symbol": "X"}], [], None], parse_type(GENES_TYPE))])
    alts = pa.chunked_array([["T", "G", "<DEL>"]])
    first = "T|RYR1|0.00|0.00|0.91|0.08|-28|-46|-2|-31"
    assert texts(genes, alts) == [
        f"{first},{first.replace('RYR1', 'X')}",
        None,
        None,
    ]


def test_the_description_names_the_fields_behind_the_word_format() -> None:
    fields = meaning("m").partition("Format: ")[2]
    assert fields == "ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL"
