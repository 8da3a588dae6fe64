"""What a spec says of any input that is converted to MEDS. Read by the driver too."""

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Bytes

MIB = 1 << 20


class MedsInput(Frozen):
    """`input:` of a conversion.

    `rules` is the uri of a YAML file that replaces the mapping rules of the format. `chunk_bytes` is how much of a file
    is read as one shard, `bucket_bytes` how many bytes of events (as they lie in memory) are sorted into one file; a
    worker needs about four times the larger of the two. Both change how the work is cut, and no event.
    """

    uri: Location
    rules: Location | None = None
    chunk_bytes: Bytes = Field(default=64 * MIB, ge=1)
    bucket_bytes: Bytes = Field(default=256 * MIB, ge=1)
