"""The `prepare` list of a model over genotypes: how its variants are matched, filled, counted, and its scores adjusted.

    prepare:
      - match: {min_overlap: 0.75, ambiguous: drop}
      - impute: {missing: frequency}
      - haploid: {ploidy: observed}
      - columns: {average: true}
      - adjust: {z: true, components: pcs.tsv}

Each step at most once, in any order; what is left out has its defaults, and `adjust` is not done.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from workers import prepare_list
from workers.genomics.scores.settings import Match


class Impute(Frozen):
    """What a missing call counts as. `frequency`: twice the effect allele's frequency in the whole cohort, or in the
    table `frequencies`; `none`: nothing, and it leaves the denominator of an average.

    A cohort of fewer than `min_samples` says too little of frequencies: such a run is refused. A model over a panel
    fills with the panel's own frequencies.
    """

    missing: Literal["frequency", "none"] = Field(
        default="frequency",
        description="what a missing call counts as: twice the effect allele's frequency, or nothing",
    )
    frequencies: Location | None = Field(
        default=None, description="a table of frequencies instead of those of the cohort"
    )
    min_samples: int = Field(default=50, ge=1, description="samples below which a cohort's own frequencies are refused")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.missing == "none" and self.frequencies is not None:
            raise ValueError("frequencies goes with missing: frequency")
        return self


class Haploid(Frozen):
    """`observed`: a call of one allele counts 0 or 1 copies: where a table's source wrote one; of bed and pgen, men on
    X outside of the pseudo-autosomal regions, everybody on MT, men on Y. `diploid`: such a call counts 0 or 2. On Y
    only men count."""

    ploidy: Literal["observed", "diploid"] = Field(
        default="observed",
        description="whether a call of one allele counts 0 or 1 copies (observed), or 0 or 2 (diploid)",
    )


class Columns(Frozen):
    """Columns of scores beside their sums. `average`: the sum divided by the alleles that it rests on. `counts`: lists
    of alleles called, alleles counted, and copies of effect alleles, which an export to `.sscore` needs."""

    average: bool = Field(default=False, description="also the sum divided by the alleles that it rests on")
    counts: bool = Field(
        default=True, description="also lists of alleles called and counted, which an export to .sscore needs"
    )


class Adjust(Frozen):
    """Scores held against the cohort. `z`: how many deviations each lies above the mean of all samples. `components`
    is a table of principal components by sample: the score less what a regression on them expects, divided by the
    deviation of what is left (`z_norm1`), or by the one that is expected for the sample (`z_norm2`)."""

    z: bool = Field(default=True, description="how many standard deviations a score lies above the mean of all samples")
    components: Location | None = Field(
        default=None,
        description="a table of principal components by sample: scores less what a regression on them expects",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.z and self.components is None:
            raise ValueError("adjust asks for nothing: give components, or z: true")
        return self


STEPS: prepare_list.StepTable[BaseModel] = prepare_list.StepTable(
    "genotypes",
    {
        "match": "workers.genomics.scores.settings:Match",
        "impute": "workers.genomics.genotypes.steps:Impute",
        "haploid": "workers.genomics.genotypes.steps:Haploid",
        "columns": "workers.genomics.genotypes.steps:Columns",
        "adjust": "workers.genomics.genotypes.steps:Adjust",
    },
    BaseModel,
    open=False,
)
"""The steps by the names that a spec gives."""


@dataclass(frozen=True)
class Steps:
    """A checked `prepare` list."""

    match: Match
    impute: Impute
    haploid: Haploid
    columns: Columns
    adjust: Adjust | None


def parse_steps(raw: object) -> Steps:
    """A whole `prepare` list. Raises SpecError (`workers.prepare_list`)."""
    found: dict[str, Any] = dict(prepare_list.parse_steps(raw, STEPS))
    return Steps(
        match=found.get("match", Match()),
        impute=found.get("impute", Impute()),
        haploid=found.get("haploid", Haploid()),
        columns=found.get("columns", Columns()),
        adjust=found.get("adjust"),
    )
