"""A network over a panel in a worker: the calls of its variants, and the columns that its scores become."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from schemas.status import Status
from workers.contract import Placement
from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.answers import Answer, refused
from workers.genomics.genotypes.contract import PanelFormat, PanelScorer
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.joining import SiteJoiner, SitePlan
from workers.genomics.genotypes.models import GenotypeModel
from workers.genomics.genotypes.panel import Encoding, Panel, PanelMatrix
from workers.genomics.genotypes.ploidy import Numbers
from workers.models.detect import Formats
from workers.pipeline.columns import ModelColumns

FILLED_RATE = "filled_rate"


@dataclass(frozen=True)
class Network:
    """What is the same for every shard. `low` says why nothing is scored, where too little of the panel is there."""

    model: GenotypeModel
    panel: Panel
    sites: SitePlan
    scorer: PanelScorer
    low: str | None


def open_network(
    model: GenotypeModel, places: pl.DataFrame, variants: pl.DataFrame, low: str | None, device: str, threads: int
) -> Network:
    """Load the weights. `places` is of workers.genomics.genotypes.panel.PLACES, `variants` those of the source."""
    frequency = read_panel(model.directory / VARIANTS)["effect_frequency"].to_numpy()
    panel = Panel(places, Encoding(frequency, model.card.settings["scale"]))
    kind = Formats[PanelFormat]("genotypes")[model.card.format]
    scorer = kind.load(model.directory, model.card, Placement(device, threads))
    return Network(model, panel, SitePlan(panel.sites, variants), scorer, low)


class PanelTaker:
    """Takes the calls of a panel out of the chunks of a shard. Implements workers.genomics.genotypes.scanning.Taker."""

    def __init__(self, panel: Panel, sites: SitePlan, samples: int, is_diploid: bool) -> None:
        self.is_diploid = is_diploid
        self.matrix = PanelMatrix(panel, samples)
        self._joiner = SiteJoiner(sites)

    @property
    def wanted(self) -> Numbers:
        """The variants of the panel."""
        return self.matrix.panel.records

    def add(self, chunk: GenotypeChunk) -> None:
        """Put the panel's variants among these into the matrix."""
        for one in (chunk, *self._joiner.add(chunk)):
            self.matrix.add(one)


class NetworkTaker(PanelTaker):
    """Scores what it took."""

    def __init__(self, network: Network, samples: int) -> None:
        super().__init__(network.panel, network.sites, samples, network.model.steps.haploid.ploidy == "diploid")
        self._network = network
        self._samples = samples

    @property
    def wanted(self) -> Numbers:
        """The variants of the panel; none where too little of it is there to be scored."""
        records = super().wanted
        return records if self._network.low is None else records[:0]

    def add(self, chunk: GenotypeChunk) -> None:
        """Put the panel's variants among these into the matrix, if they are to be scored."""
        if self._network.low is None:
            super().add(chunk)

    def finish(self) -> Answer:
        """The columns of the model."""
        outputs = self._network.model.card.outputs
        if self._network.low is not None:
            return refused(Status.LOW_OVERLAP, self._network.low, [field.name for field in outputs], self._samples)
        values: Mapping[str, Any] = self._network.scorer.score(self._samples, self.matrix.inputs)
        columns = ModelColumns(outputs, self._samples)
        filled = (self.matrix.filled / self._network.panel.length).astype(np.float32)
        columns.put([(row, 0) for row in range(self._samples)], {**values, FILLED_RATE: filled})
        finished = columns.finish()
        return Answer(finished, [status or Status.OK for status in columns.statuses], columns.details)
