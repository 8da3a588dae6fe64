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

    min_overlap: float = Field(default=0.75, ge=0, le=1)
    ambiguous: Literal["drop", "keep", "frequency"] = "drop"
    max_maf: float = Field(default=0.4, gt=0, lt=0.5)
    by: Literal["auto", "position", "id"] = "auto"
    duplicates: Literal["drop", "first"] = "drop"
    strand_flips: bool = True
