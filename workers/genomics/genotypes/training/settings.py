"""What a spec says of a training over genotypes. Imports no torch."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from schemas.location import Location
from workers.genomics.genotypes.formats.panel import Scale
from workers.genomics.genotypes.settings import GenotypesInput
from workers.training.job.settings import TrainKeys


class GenotypesTraining(TrainKeys, GenotypesInput):
    """`input:` of a training over genotypes: that of predict, and what is learned from it."""

    searchable: ClassVar[tuple[str, ...]] = (*TrainKeys.searchable, "scale")

    panel: Location = Field(
        description="Parquet table of the variants that the network is shown, in its order: chrom, pos, effect_allele, "
        "other_allele"
    )
    scale: Scale = Field(
        default="standardise",
        description="how copies of effect alleles become the network's input: copies; centre: less twice the frequency "
        "among training samples; standardise: that divided by its deviation",
    )

    @model_validator(mode="after")
    def _says_all(self) -> Self:
        if self.build is None:
            raise ValueError("build: is needed, since the model directory says of which build its positions are")
        if self.start is not None:
            raise ValueError("start: a network over a panel begins with fresh weights: leave it out")
        if "qc" in self.model_fields_set:
            raise ValueError("qc: is of predict jobs, and a training has no such columns: leave it out")
        return self


INPUT = GenotypesTraining
"""What `input:` of a spec is checked against."""
