"""Settings of the prepare step `match`."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen


class Match(Frozen):
    """How rows of scoring files find variants.

    `ambiguous` SNPs are A/T and C/G, whose strand the alleles do not tell: `drop`; `keep` them as they stand; or by
    `frequency`, where the file has that of the effect allele, and it and the cohort's are both at most `max_maf` from
    0 or 1. `by`: `auto` is by position, by id for a file without positions. `duplicates`: of rows that name one
    variant and do not agree, and of variants that are there twice, `drop` all or take the `first`.
    """

    min_overlap: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="least share of a score's variants among the genotypes; below it every sample is low_overlap",
    )
    ambiguous: Literal["drop", "keep", "frequency"] = Field(
        default="drop", description="what becomes of A/T and C/G, whose strand the alleles do not tell"
    )
    max_maf: float = Field(
        default=0.4,
        gt=0,
        lt=0.5,
        description="with ambiguous: frequency, how far from 0 or 1 both frequencies may be at most",
    )
    by: Literal["auto", "position", "id"] = Field(
        default="auto",
        description="how rows find variants; auto is by position, and by id for a file without positions",
    )
    duplicates: Literal["drop", "first"] = Field(
        default="drop",
        description="of rows that name one variant and do not agree, and of variants that are there twice",
    )
    strand_flips: bool = Field(default=True, description="whether alleles are also looked for on the other strand")
