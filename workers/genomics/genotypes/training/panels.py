"""The panel of a training: the one that is asked for, and the part of it that the genotypes have."""

import tempfile
from pathlib import Path

import polars as pl

from cluster.storage import StorageSettings, Store
from schemas.errors import SpecError
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.layout import MATCH, entries_key
from workers.genomics.genotypes.tables import body_of
from workers.pipeline.frames import read_frame

NAME = "panel"
"""What stage `match` calls it, as it would a model."""
KEY = f"stages/{MATCH}/{VARIANTS}"


def asked_panel(uri: str, storage: StorageSettings, digest: str) -> pl.DataFrame:
    """The table that the run was planned with. Raises SpecError where it cannot be used, or was changed."""
    body = body_of(uri, storage, digest)
    with tempfile.TemporaryDirectory(prefix="wardround-panel-") as folder:
        path = Path(folder) / VARIANTS
        path.write_bytes(body)
        try:
            return read_panel(path, needs_frequency=False)
        except SpecError as error:
            raise SpecError(str(error).replace(str(path), f"input.panel: {uri}")) from None


def part_that_is_there(panel: pl.DataFrame, places: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The variants of the panel that were matched, in its order, and their places among these."""
    kept = places["place"].unique().sort()
    renumbered = pl.DataFrame({"place": kept, "number": pl.int_range(len(kept), dtype=pl.Int64, eager=True)})
    joined = places.join(renumbered, on="place", maintain_order="left")
    return panel[kept.to_list()], joined.with_columns(place="number").select(places.columns)


def matched_panel(store: Store) -> pl.DataFrame:
    """What stage `match` left of the panel."""
    return read_frame(store, KEY)


def matched_places(store: Store) -> pl.DataFrame:
    """Which variants of the genotypes they are (`workers.genomics.genotypes.panel.PLACES`)."""
    return read_frame(store, entries_key(NAME, 0, 0))
