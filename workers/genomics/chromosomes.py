"""Names of chromosomes, and the pseudo-autosomal regions."""

import re
from collections.abc import Iterable, Mapping

import polars as pl

AUTOSOMES = tuple(str(number) for number in range(1, 23))
X, Y, XY, MT = "X", "Y", "XY", "MT"

MALE, FEMALE = 1, 2

_NAMES = {
    **{name: name for name in AUTOSOMES},
    **{f"0{number}": str(number) for number in range(1, 10)},
    **{"X": X, "0X": X, "23": X, "Y": Y, "0Y": Y, "24": Y},
    **{"XY": XY, "25": XY, "PAR1": XY, "PAR2": XY},
    **{"MT": MT, "M": MT, "0M": MT, "26": MT},
}

_REFSEQ = re.compile(r"NC_(?:0000(0[1-9]|1[0-9]|2[0-4])|012920)\.[0-9]+")

PSEUDO_AUTOSOMAL: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "GRCh37": ((60_001, 2_699_520), (154_931_044, 155_260_560)),
    "GRCh38": ((10_001, 2_781_479), (155_701_383, 156_030_895)),
}
"""First and last position, 1-based, of PAR1 and PAR2 on X (Genome Reference Consortium)."""


def counted_chromosome(build: str | None) -> pl.Expr:
    """The chromosome of a variant by whose alleles count there: X within its pseudo-autosomal regions is XY."""
    chrom, pos = pl.col("chrom"), pl.col("pos")
    if build is None:
        return chrom
    inside = pl.any_horizontal(pos.is_between(*region) for region in PSEUDO_AUTOSOMAL[build])
    return pl.when((chrom == X) & inside).then(pl.lit(XY)).otherwise(chrom)


def normalise(name: str) -> str:
    """1 to 22, X, Y, XY (pseudo-autosomal) or MT; a name that is none of them as it stands.

    Takes the prefix `chr` in any case, PLINK's numbers 23 to 26 and its `PAR1` and `PAR2`, one leading zero, and the
    accessions of RefSeq, such as `NC_000001.11`.
    """
    bare = name[3:] if name[:3].lower() == "chr" else name
    refseq = _REFSEQ.fullmatch(bare)
    if refseq is not None:
        return MT if refseq[1] is None else _NAMES.get(str(int(refseq[1])), name)
    return _NAMES.get(bare.upper(), name)


def normaliser(names: Iterable[str]) -> dict[str, str]:
    """Each of `names` with what it becomes."""
    return {name: normalise(name) for name in names}
