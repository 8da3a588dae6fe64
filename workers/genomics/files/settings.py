"""What a spec says of genotype files as they lie, whoever reads them. Imports no decoder: the driver reads this too."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location

REF_FIRST: Literal["ref-first"] = "ref-first"


class BgenSettings(Frozen):
    """Settings of BGEN, which the other formats refuse."""

    format: str
    samples: Location | None = Field(
        default=None,
        description="of BGEN: the samples of all files (.sample, .psam or .fam), where they lie in no file of the "
        "genotypes' own name",
    )
    alleles: Literal["ref-first", "ref-last"] | None = Field(
        default=None, description="of BGEN: which of a variant's alleles is REF (default: the first)"
    )

    @model_validator(mode="after")
    def _of_bgen(self) -> Self:
        given = [name for name in ("samples", "alleles") if getattr(self, name) is not None]
        if given and self.format != "bgen":
            raise ValueError(f"{given[0]} goes with format: bgen, and the format is {self.format}")
        return self
