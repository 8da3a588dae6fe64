"""Stage `match` of a training: which variants of the genotypes the panel has."""

import pyarrow as pa

from schemas.errors import SpecError
from workers.genomics.genotypes.groups import OK
from workers.genomics.genotypes.match_stage import MatchStage, panel_sheet, places_of
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.genotypes.steps import Steps
from workers.genomics.genotypes.training.panels import KEY, NAME, asked_panel, part_that_is_there
from workers.genomics.scores.matcher import match_all
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardTable, SideObject


class PanelMatchStage(MatchStage):
    """One record: the panel. What the genotypes have of it is what the network is shown."""

    def __init__(self, context: StageContext, genotypes: Genotypes, uri: str, steps: Steps) -> None:
        super().__init__(context, genotypes)
        self._uri, self._steps = uri, steps

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Raises SpecError where too little of the panel is there."""
        side: list[SideObject] = []
        with self._genotypes.as_planned(records["etag"][0].as_py()):
            panel = asked_panel(self._uri, self._context.storage, self._context.run.parts["state"]["panel"])
            build = self._genotypes.settings.build or ""
            (found,) = match_all([panel_sheet(NAME, panel, build)], self._target, self._steps.match)
            kept, places = part_that_is_there(panel, places_of(found))
            by_record = self._matched(NAME, shard, found, places, side)
        if by_record[NAME]["verdict"] != OK:
            raise SpecError(
                f"input.panel: {kept.height} of its {panel.height} variants are among the genotypes, fewer than "
                f"match.min_overlap ({self._steps.match.min_overlap}): correct input.build or the table"
            )
        side.append(SideObject(KEY, encode_frame(kept, self._context.run.fingerprint)))
        return self._table(records, by_record, side)
