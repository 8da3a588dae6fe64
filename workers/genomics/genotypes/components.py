"""Principal components of the samples, as the step `adjust` names them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.genotypes.steps import Steps
from workers.genomics.genotypes.tables import components_at
from workers.pipeline.context import StageContext

Floats = NDArray[np.float64]


class Components:
    """Tables of components, each read once. `samples` are those of the source, in their order."""

    def __init__(self, context: StageContext, samples: pl.DataFrame) -> None:
        self._context = context
        self._samples = samples
        self._read: dict[str, Floats] = {}

    def of(self, steps: Steps, first: int, rows: int) -> Floats | None:
        """(rows, components) of samples from `first` on, NaN where the table has not the sample; None without table."""
        uri = None if steps.adjust is None else steps.adjust.components
        if uri is None:
            return None
        if uri not in self._read:
            digest = self._context.run.parts["state"]["tables"][uri]
            table = components_at(uri, self._context.storage, digest, self._samples)
            self._read[uri] = table.with_columns(pl.all().fill_null(np.nan)).to_numpy()
        return self._read[uri][first : first + rows]
