"""Names of genome builds, and of chromosomes, made equal."""

import re

import polars as pl

_BUILDS = {
    "grch36": "GRCh36",
    "ncbi36": "GRCh36",
    "hg18": "GRCh36",
    "grch37": "GRCh37",
    "ncbi37": "GRCh37",
    "b37": "GRCh37",
    "hg19": "GRCh37",
    "37": "GRCh37",
    "grch38": "GRCh38",
    "b38": "GRCh38",
    "hg38": "GRCh38",
    "38": "GRCh38",
}
_OTHER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CHROMOSOMES = {"23": "X", "24": "Y", "25": "X", "26": "MT", "M": "MT", "XY": "X", "PAR1": "X", "PAR2": "X"}


def normal_build(name: str | None) -> str | None:
    """`GRCh37` for `hg19` and the like, another name as it stands; None where it says nothing (`NR`)."""
    text = (name or "").strip()
    if text.lower() in ("", "nr", "na", "none", "unknown"):
        return None
    known = _BUILDS.get(text.lower().split(".")[0])
    return known or (text if _OTHER.fullmatch(text) else None)


def chromosome_key(name: str) -> pl.Expr:
    """A key that two names in a column share where they mean one chromosome.

    Without `chr`, upper case, `M` as `MT`, PLINK's 23 to 26 as X, Y, X, MT, RefSeq's `NC_000001.11` as 1. The
    pseudo-autosomal regions are X: a scoring file says X of them, PLINK keeps them apart, and their positions are those
    of X in both.
    """
    upper = pl.col(name).str.strip_chars().str.to_uppercase().str.replace("^CHR(OM(OSOME)?)?_?", "")
    # RefSeq's accessions, and what tools that know no missing whole number write of 1.
    bare = upper.str.replace(r"^NC_0000([0-9]{2})\.[0-9]+$", "$1").str.replace(r"^([0-9]+)\.0+$", "$1")
    return bare.str.replace(r"^NC_012920(\.[0-9]+)?$", "MT").str.replace("^0+([0-9])", "$1").replace(_CHROMOSOMES)
