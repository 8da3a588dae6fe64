"""Label maps from storage: which one each record has, and its voxels."""

from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings, split
from schemas.errors import RecordError
from workers.contract import Array
from workers.images.fetching import ObjectFetcher, Wanted
from workers.images.planning import roots_of
from workers.images.settings import ImagesInput
from workers.images.uris import canonical
from workers.images.volumes.label_map import read_label_map
from workers.images.volumes.volume import Grid
from workers.labels.settings import Labels
from workers.labels.table import ids_of

_FETCHES = 2


class LabelMaps:
    """Those of the records of a run. `table` are the labels, None where records carry the uris of their label maps, in
    `column` either way.

    Uris of a table lie beside it or under `input.roots`, those of a folder in it.
    """

    def __init__(
        self,
        source: ImagesInput,
        labels: Labels | None,
        table: pl.DataFrame | None,
        column: str,
        storage: StorageSettings,
    ) -> None:
        self._labels, self._table, self._column = labels, table, column
        folder = labels.uri if labels is not None and labels.pattern else None
        if folder is None:
            folder, _ = split(source.uri if labels is None else labels.uri)
        self._folder = folder
        self._roots = tuple(dict.fromkeys((folder, *source.roots))) if labels is not None else roots_of(source, storage)
        self._source = source
        self._fetcher = ObjectFetcher(self._roots, storage, source.max_bytes, _FETCHES, confine=True)

    def uris(self, records: pa.Table) -> Sequence[str | None]:
        """The label map of each of these planned records, in full; None where it has none. Raises SpecError for one
        that lies elsewhere."""
        found = self._named(records)
        known = [uri for uri in found if uri]
        full = iter(canonical(pa.array(known, pa.string()), self._folder, self._roots, 0).to_pylist() if known else [])
        return [next(full) if uri else None for uri in found]

    def read(self, uri: str, place: int) -> tuple[Array, Grid]:
        """Its values (i, j, k), and where they lie. Raises RecordError, InfrastructureError."""
        (body,) = self._fetcher.fetch([Wanted(uri, None, None, place)])
        if body.status is not None:
            raise RecordError(body.status, f"its label map: {body.detail}")
        return read_label_map(body.data, self._source)

    def close(self) -> None:
        """Stop the threads."""
        self._fetcher.close()

    def _named(self, records: pa.Table) -> Sequence[str | None]:
        if self._labels is None or self._table is None:
            return list(records[self._column].to_pylist())
        on = pl.Series(pl.from_arrow(records[self._labels.on]))
        ids = on.to_frame("id").select(ids_of(self._labels, pl.col("id"), on.dtype)).to_series()
        known: Mapping[str, str | None] = dict(
            zip(self._table[self._labels.key], self._table[self._column], strict=True)
        )
        return [known.get(one) for one in ids]
