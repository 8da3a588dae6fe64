"""What a spec says of VCF. Imports no decoder: the driver reads this too."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Bytes
from workers.genomics.build import GenomeBuild

MIB = 1 << 20

DOSAGE, MIN_GQ, MIN_DP, MIN_INFO = "dosage", "min_gq", "min_dp", "min_info"
"""Settings that name a field of the files: one that no file has is an error."""


def _info_names(names: Mapping[str, float]) -> Mapping[str, float]:
    for name in names:
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name) is None:
            raise ValueError(f"{name[:40]!r} cannot be a field of INFO")
    return names


class VcfInput(Frozen):
    """`input:` of a conversion from VCF or BCF.

    `uri` is a file, or a directory of them (`.vcf`, `.vcf.gz`, `.vcf.bgz`, `.bcf`) with the same samples in the same
    order. `build` is said of the table, and checked nowhere here.

    A field that `dosage`, `min_gq`, `min_dp` or `min_info` names and no file has is an error.

    `chunk_bytes` of a file, as it is stored, are read as one shard. A line longer than `max_line` is no variant but a
    row of the account that says so; what a gzipped file inflates to beyond `max_inflated` is not read.
    """

    format: Literal["vcf"] = Field(description="vcf: VCF (plain, gzip, bgzip) or BCF")
    uri: Location = Field(description="a file, or a directory of them with the same samples in the same order")
    build: GenomeBuild | None = Field(
        default=None, description="genome build that is said of the table; checked nowhere here"
    )
    dosage: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$",
        description="FORMAT field with copies of ALT, such as DS; GP (probabilities) and HDS (haplotypes) are turned "
        "into copies. A sample without one has its call's. By default calls are read",
    )
    half_calls: Literal["missing", "haploid", "reference"] = Field(
        default="missing", description="what `./1` is: missing, 1 (haploid) or 0/1 (reference), as PLINK 2 has it"
    )
    other_alts: Literal["reference", "missing"] = Field(
        default="reference",
        description="what calls of the other alternatives are in the row of one: none of it, or missing",
    )
    symbolic: Literal["skip", "keep"] = Field(
        default="keep",
        description="alternatives such as `<DEL>`, breakends and `*`: variants of their own, or left out, so that "
        "calls which name them are missing",
    )
    monomorphic: Literal["keep", "skip"] = Field(
        default="keep",
        description="records without an alternative and reference blocks of a gVCF, which say who is REF",
    )
    only_pass: bool = Field(default=False, description="skip records whose FILTER is neither PASS nor .")
    min_gq: float | None = Field(
        default=None, gt=0, description="calls of a lower GQ are missing; without GQ they stand"
    )
    min_dp: float | None = Field(
        default=None, gt=0, description="calls of a lower DP are missing; without DP they stand"
    )
    min_info: Annotated[Mapping[str, float], AfterValidator(_info_names)] = Field(
        default_factory=dict,
        description="least value of fields of INFO, such as `{R2: 0.3}` or `{DR2: 0.3}`; what has none is skipped too",
    )
    sex: Location | None = Field(
        default=None,
        description="a table of the samples' sex: .psam, .fam, or columns IID and SEX (1 or M, 2 or F, 0 unknown)",
    )
    impute_sex: bool = Field(
        default=False,
        description="take the samples' sex from their calls on X, with the limits of plink --check-sex",
    )
    chunk_bytes: Bytes = Field(
        default=64 * MIB, ge=1, description="bytes of a file, as it is stored, that are read as one shard"
    )
    max_line: Bytes = Field(
        default=256 * MIB,
        gt=0,
        description="bytes of a line; a longer one is no variant but a row of the account that says so",
    )
    max_header: Bytes = Field(default=256 * MIB, gt=0, description="bytes of a header; more refuses the file")
    max_inflated: Bytes = Field(
        default=16 * 1024 * 1024 * MIB,
        gt=0,
        description="bytes that a gzipped file may become; what comes after them is not read",
    )

    @model_validator(mode="after")
    def _one_sex(self) -> Self:
        if self.impute_sex and self.sex is not None:
            raise ValueError("sex and impute_sex: give one of them")
        return self


INPUT = VcfInput
"""What `input:` of a spec is checked against."""
