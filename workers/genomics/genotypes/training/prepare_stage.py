"""Stage `prepare` of a training: copies of the panel in each sample, gathered as for scoring."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from schemas.status import Status
from workers.genomics.genotypes.answers import Answer
from workers.genomics.genotypes.joining import SitePlan
from workers.genomics.genotypes.network import PanelTaker
from workers.genomics.genotypes.panel import Panel
from workers.genomics.genotypes.ploidy import Haploid
from workers.genomics.genotypes.sample_stage import SampleStage
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.genotypes.steps import Steps
from workers.genomics.genotypes.training.copies import columns_of, unfilled
from workers.genomics.genotypes.training.panels import matched_panel, matched_places
from workers.pipeline.context import StageContext
from workers.training.job.columns import PREPARE


class PrepareStage(SampleStage):
    """A shard is whole blocks of samples."""

    def __init__(self, context: StageContext, genotypes: Genotypes, steps: Steps) -> None:
        super().__init__(context, genotypes)
        self._is_diploid = steps.haploid.ploidy == "diploid"

    def load(self) -> None:
        """Read what was matched."""
        _ = self._panel, self._haploid

    def answer(self, records: pa.Table) -> tuple[Mapping[str, Answer], Mapping[str, Any]]:
        """The columns of every sample."""
        sites = SitePlan(self._panel.sites, self._genotypes.variants)
        taker = PanelTaker(self._panel, sites, records.num_rows, self._is_diploid)
        self.scan(records, [taker], self.ploidy(self._haploid, records))
        rows = records.num_rows
        return {PREPARE: Answer(columns_of(taker.matrix, rows), [Status.OK] * rows, [None] * rows)}, {}

    @cached_property
    def _panel(self) -> Panel:
        length = matched_panel(self._context.store).height
        return Panel(matched_places(self._context.store), unfilled(length))

    @cached_property
    def _haploid(self) -> Haploid:
        return Haploid(self._genotypes.variants, self._genotypes.build)
