"""What a network over a panel of variants is held against.

A directory of scoring files is a `workers.contract.Format` and no more: it is matched, not loaded.
"""

from typing import Any, Protocol

from schemas.outputs import OutputField
from workers.contract import ScorerFormat


class PanelScorer(Protocol):
    """A loaded network over a panel."""

    @property
    def outputs(self) -> tuple[OutputField, ...]:
        """The columns that `score` gives."""

    def score(self, records: int, inputs: Any) -> dict[str, Any]:
        """Scores of so many records by column, batch by batch."""


PanelFormat = ScorerFormat[PanelScorer]
"""There is no encoder: what a network sees is gathered while the genotypes are read."""
