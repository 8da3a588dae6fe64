"""`codes.parquet` of a model on events: which codes it knows, by which index, and the scale of their values.

Columns as meds-transforms writes them: `code` and `code/vocab_index` (null: not in the vocabulary); optional
`parent_codes` (MEDS), `values/mean` and `values/std`. Index 0 is that of unknown codes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.ehr.events.networks.settings import UNKNOWN
from workers.reading.parquet import damage_as

Fallback = Literal["parents", "prefix"]
"""For a code without an index: that of its first known parent in the file, of its longest known prefix up to `//`."""

FILE_LIMIT = 4 << 30
"""Bytes, unpacked. Ten million codes of fifty letters take half a GB."""

_STATS = ("values/mean", "values/std")
_SEPARATOR = "//"


class Vocabulary:
    """Codes to indices, and means and standard deviations by index."""

    def __init__(self, table: pa.Table, fallback: Sequence[Fallback] = ()) -> None:
        self._fallback = tuple(fallback)
        codes = table["code"].to_pylist()
        indices = table["code/vocab_index"].to_pylist()
        self._index: dict[str, int] = {
            code: index for code, index in zip(codes, indices, strict=True) if index is not None
        }
        self._parents = self._known_parents(codes, indices, table) if "parents" in self._fallback else {}
        self.size = max(self._index.values(), default=0) + 1
        self.mean, self.std = self._scale(table)

    def __len__(self) -> int:
        """How many codes have an index."""
        return len(self._index)

    @property
    def has_scale(self) -> bool:
        """Whether the file has means and standard deviations."""
        return self.mean is not None

    def lookup(self, names: Iterable[str]) -> NDArray[np.int32]:
        """Index of each code, `UNKNOWN` where there is none."""
        names = list(names)
        found = np.fromiter((self._index.get(name, UNKNOWN) for name in names), np.int32, len(names))
        if self._fallback:
            for place in np.flatnonzero(found == UNKNOWN).tolist():
                found[place] = self._near(names[place])
        return found

    def _near(self, name: str) -> int:
        for way in self._fallback:
            if way == "parents" and name in self._parents:
                return self._parents[name]
            while way == "prefix" and _SEPARATOR in name:
                name = name.rpartition(_SEPARATOR)[0]
                if name in self._index:
                    return self._index[name]
        return UNKNOWN

    def _known_parents(self, codes: list[str], indices: list[int | None], table: pa.Table) -> dict[str, int]:
        if "parent_codes" not in table.column_names:
            return {}
        found = {}
        for code, index, parents in zip(codes, indices, table["parent_codes"].to_pylist(), strict=True):
            known = [self._index[parent] for parent in parents or () if parent in self._index]
            if index is None and known:
                found[code] = known[0]
        return found

    def _scale(self, table: pa.Table) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """NaN where a code has none; a standard deviation of 0 counts as 1."""
        if not all(name in table.column_names for name in _STATS):
            return None, None
        kept = table.filter(pc.is_valid(table["code/vocab_index"]))
        places = kept["code/vocab_index"].to_numpy().astype(np.int64)
        mean, std = (np.full(self.size, np.nan, np.float32) for _ in _STATS)
        for name, into in zip(_STATS, (mean, std), strict=True):
            into[places] = kept[name].cast(pa.float32()).to_numpy()
        std[std == 0] = 1
        return mean, std


def read_codes(path: Path, num_codes: int) -> pa.Table:
    """The columns that a vocabulary is made of, checked. Raises SpecError with what is wrong.

    `num_codes` is what the network was built for: every index has to be below.
    """
    if not path.is_file():
        raise SpecError(
            f"{path}: is not there, and the codes of the vocabulary stand in it: copy it beside config.json"
        )
    with damage_as(SpecError(f"{path}: cannot be read as Parquet: write it again")):
        footer = pq.read_metadata(path)
        unpacked = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        if unpacked > FILE_LIMIT:
            raise SpecError(f"{path}: larger than {FILE_LIMIT} bytes unpacked, which no vocabulary is")
        names = set(pq.read_schema(path).names)
        wanted = [name for name in ("code", "code/vocab_index", "parent_codes", *_STATS) if name in names]
        table = pq.read_table(path, columns=wanted, use_threads=False)
    for name in ("code", "code/vocab_index"):
        if name not in table.column_names:
            raise SpecError(f"{path}: has no column {name!r}")
    return _checked(table, path, num_codes)


def _checked(table: pa.Table, path: Path, num_codes: int) -> pa.Table:
    codes, indices = table["code"], table["code/vocab_index"]
    if not pa.types.is_integer(indices.type) or codes.null_count or not _is_text(codes.type):
        raise SpecError(f"{path}: column 'code' must be text without nulls, 'code/vocab_index' whole numbers")
    kept = indices.drop_null()
    if pc.count_distinct(codes).as_py() != len(codes) or pc.count_distinct(kept).as_py() != len(kept):
        raise SpecError(f"{path}: a code or an index occurs twice")
    lowest, highest = (pc.min_max(kept)[end].as_py() for end in ("min", "max"))
    if lowest is None:
        raise SpecError(f"{path}: no code has an index")
    if lowest <= UNKNOWN or highest >= num_codes:
        raise SpecError(
            f"{path}: indices run from {lowest} to {highest}, must lie between 1 and {num_codes - 1} "
            "(0 is that of unknown codes, settings.num_codes counts it too)"
        )
    return table


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
