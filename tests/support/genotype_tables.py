"""Conversions to the genotype table, and what the table says, read in the plainest way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cluster.storage import StorageSettings, Store
from tests.support.meds import convert_spec, run_convert
from workers.genomics.kernels.codes import unpack
from workers.genomics.table.source import TableSource

HEADER = """##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="ok">
##FILTER=<ID=low,Description="low">
##contig=<ID=chr1>
##contig=<ID=chr2>
##contig=<ID=chrX>
##INFO=<ID=AF,Number=A,Type=Float,Description="AF">
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">
##FORMAT=<ID=AD,Number=.,Type=Integer,Description="AD">
##FORMAT=<ID=DS,Number=A,Type=Float,Description="DS">
"""
NAMES = ("id", "ref", "alt")


def columns_of(samples: Sequence[str]) -> str:
    """The last line of a header."""
    return "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]) + "\n"


def vcf_line(chrom: str, pos: Any, ref: str, alt: str, calls: Sequence[str], **other: str) -> str:
    """One record; `id`, `filter`, `info` and `format` may be given."""
    said = {"id": ".", "filter": "PASS", "info": ".", "format": "GT", **other}
    fixed = [chrom, str(pos), said["id"], ref, alt, "50", said["filter"], said["info"], said["format"]]
    return "\t".join([*fixed, *calls]) + "\n"


def random_vcf(samples: int, records: int, seed: int = 0) -> str:
    """As GATK writes it: AD beside the calls, multi-allelic records, some calls missing, males of X haploid."""
    chance = np.random.default_rng(seed)
    names = [f"s{number}" for number in range(samples)]
    text = [HEADER, columns_of(names)]
    for number in range(records):
        chrom = ("chr1", "chr2", "chrX")[3 * number // records]
        alts = int(chance.choice([1, 1, 1, 2, 12]))
        alt = ",".join("C" + "G" * at for at in range(alts))
        alleles = chance.integers(0, alts + 1, (samples, 2)) * (chance.random((samples, 2)) < 0.4)
        missing = chance.random(samples) < 0.05
        calls = []
        for sample in range(samples):
            first, second = alleles[sample]
            if chrom == "chrX" and sample % 2:
                call = "." if missing[sample] else str(first)
            else:
                sign = "|" if number % 2 else "/"
                call = "./." if missing[sample] else f"{first}{sign}{second}"
            calls.append(f"{call}:{number},3" if number % 3 else call)
        form = "GT:AD" if number % 3 else "GT"
        text.append(vcf_line(chrom, 100 + 7 * number, "A", alt, calls, format=form, id=f"rs{number}"))
    return "".join(text)


def convert_table(
    source: str,
    output: Path | str,
    settings: StorageSettings | None = None,
    more: str = "",
    compute: str = "pool: serial",
) -> Store:
    """The run directory after a conversion, every object of it verified. `source` is the inside of `input:`."""
    return run_convert(convert_spec(source, str(output), compute, more), settings)


def variants_of(store: Store) -> pl.DataFrame:
    """`variants.parquet`."""
    return pl.read_parquet(store.get("table/variants.parquet"))


def calls_of(store: Store, settings: StorageSettings | None = None) -> np.ndarray[Any, Any]:
    """(variants, samples) codes, haploid ones plus 10, in the order of `variants.parquet`."""
    source = TableSource(store.uri + "/table", settings)
    try:
        found, index = [], []
        for chunk in source.chunks(0, source.sample_count, None, 1 << 20):
            codes = unpack(chunk.packed, chunk.samples).astype(np.int16)
            if chunk.haploid is not None:
                codes += 10 * np.unpackbits(chunk.haploid, axis=1, count=chunk.samples, bitorder="little")
            found.append(codes)
            index.append(chunk.variant_idx)
    finally:
        source.close()
    order = variants_of(store)["variant_idx"].to_numpy()
    if not found:
        return np.zeros((0, source.sample_count), np.int16)
    numbers = np.concatenate(index)
    assert np.array_equal(numbers, np.sort(order))
    return np.concatenate(found)[np.searchsorted(numbers, order)]
