"""What the whole export says of the records of each file, as stages `scan` and `versions` left it."""

from cluster.storage import Store
from workers.ehr.convert_fhir.mapper import Known
from workers.ehr.convert_fhir.versions import definitions
from workers.ehr.meds.layout import SCAN
from workers.ehr.meds.versions_stage import SupersededByFile
from workers.finished_runs.stage import stage_at


class KnownByFile:
    """Records of which another one counts, and codes that others refer to."""

    def __init__(self, store: Store) -> None:
        self._superseded = SupersededByFile(store)
        rows = stage_at(store, SCAN).all_rows(["defined"])["defined"].to_pylist()
        self._defined = definitions(item for row in rows for item in row)
        self._last: tuple[int, Known] = (-1, Known())

    def of(self, file: int) -> Known:
        """What concerns one file; that of the last one is kept."""
        if self._last[0] != file:
            rows = self._superseded.of(file)
            found = {(position, number): reason for _, position, number, reason in rows.iter_rows()}
            self._last = file, Known(found, self._defined)
        return self._last[1]
