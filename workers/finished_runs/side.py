"""Side objects, such as a mask or a match log, as the rows of a shard vouch for them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.errors import VerificationError
from schemas.outputs import object_suffix
from schemas.rows import OutputColumn
from schemas.run import SIDE_KEY


@dataclass(frozen=True)
class SideObjectRef:
    """A side object that lies there: its key relative to the run directory, its size and its sha256 in hex."""

    key: str
    bytes: int
    sha256: str


def as_text(refs: Sequence[SideObjectRef]) -> str:
    """As the footer of a shard object has them."""
    return json.dumps([asdict(ref) for ref in refs])


def named_in(metadata: Mapping[bytes, bytes] | None) -> list[SideObjectRef]:
    """Those that the metadata of a table or of a Parquet footer names; none where it has no such entry.

    Raises VerificationError for an entry that no run writes.
    """
    try:
        return [SideObjectRef(**item) for item in json.loads((metadata or {}).get(SIDE_KEY.encode(), b"[]"))]
    except (TypeError, ValueError):
        raise VerificationError("a shard object does not say which side objects are its own: it is damaged") from None


def named_by(store: Store, key: str) -> list[SideObjectRef]:
    """Those that one shard object vouches for. Only its footer is read."""
    return named_in(pq.read_metadata(store.open_reader(key)).metadata)


def uris_in(rows: pa.Table, columns: Iterable[OutputColumn]) -> list[str]:
    """Every side object that a column of `object<...>` refers to, column by column in the order of the rows."""
    found: dict[str, None] = {}
    for column in columns:
        if object_suffix(column.type) is not None:
            values = rows[column.name].drop_null()
            flat = pc.list_flatten(values) if pa.types.is_list(values.type) else values
            found |= dict.fromkeys(flat.drop_null().to_pylist())
    return list(found)
