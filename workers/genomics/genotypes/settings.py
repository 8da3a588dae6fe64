"""What a spec says of collection `genotypes`."""

from typing import Literal

from pydantic import Field, field_validator

from schemas.location import Location
from schemas.units import Bytes
from workers.genomics.build import GenomeBuild
from workers.genomics.files.settings import BgenSettings


class GenotypesInput(BgenSettings):
    """`input:` of a spec over genotypes. One record is a sample.

    `format: table` is our own genotype table, as `job: convert` writes it; `uri` is its root. `bed`, `pgen` and `bgen`
    are read as they lie; `uri` is the .bed, .pgen or .bgen file, or its name without the ending, beside its .bim and
    .fam, .pvar and .psam, or .sample and .bgen.bgi. A folder, with `/` at its end, or a name with `*` are several such
    sets of the same samples, as one of each chromosome, which are read as one.

    `build` is the genome build of the positions. A scoring file for another build is refused by name; without it a
    score is taken for the build that it says.

    `qc` says from which variants the columns `call_rate`, `heterozygosity` and, where there is an X chromosome, `x_f`
    and `sex_check` are computed: those that the models read anyway (`scored`), all (`all`, which reads everything), or
    not at all (`none`).

    `chunk_bytes` bounds the genotypes that a worker holds at a time; by default a part of `compute.memory_per_worker`.
    It changes no result.
    """

    collection: Literal["genotypes"] = Field(
        description="genotypes: samples of a genotype table, of PLINK or BGEN files"
    )
    uri: Location = Field(
        description="root of a genotype table; or the .bed, .pgen or .bgen file, also without its ending; a folder or "
        "a name with * are several of them, as one of each chromosome"
    )
    format: Literal["table", "bed", "pgen", "bgen"] = Field(
        description="table: as job: convert writes it; bed: PLINK 1; pgen: PLINK 2; bgen: BGEN 1.2 and 1.3"
    )
    build: GenomeBuild | None = Field(
        default=None, description="genome build of the positions; a score of another build is refused by name"
    )
    reference: Location | None = Field(
        default=None,
        description="a FASTA of the build, with its .fai: says which base is REF within the reference blocks of a "
        "gVCF, of which only the first is written",
    )
    qc: Literal["scored", "all", "none"] = Field(
        default="scored",
        description="variants that call_rate, heterozygosity and sex_check come from: those the models "
        "read, all, or not computed",
    )
    chunk_bytes: Bytes | None = Field(
        default=None,
        ge=1,
        description="bytes of genotypes that a worker holds at a time; by default a part of compute.memory_per_worker",
    )

    @field_validator("format", mode="before")
    @classmethod
    def _no_vcf(cls, value: object) -> object:
        if str(value).lower() in ("vcf", "bcf", "gvcf"):
            raise ValueError(
                "a VCF or BCF is made a genotype table once: run a spec of job: convert with input: {format: vcf, uri: "
                "...}, then name its table/ here with format: table"
            )
        return value


INPUT = GenotypesInput
"""What `input:` of a spec is checked against."""
