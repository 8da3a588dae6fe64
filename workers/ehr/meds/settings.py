"""What a spec says of any input that is converted to MEDS. Read by the driver too."""

from pydantic import Field, field_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Bytes
from workers.ehr.meds.clock import is_zone
from workers.ehr.meds.rules import Profile

MIB = 1 << 20


class MedsInput(Frozen):
    """`input:` of a conversion.

    `timezone` is the IANA name of the zone of the source's clock (`Europe/Berlin`), for dates and for times that say no
    zone; `workers/ehr/meds/clock.py` says what is done without it.

    `codes` says how codes are written: `wardround` (`LAB//LOINC/2160-0//mg/dL`), or as models know them that were
    trained on data from meds_etl or on CLMBR's vocabulary (`LOINC/2160-0`, the unit in a column of its own).

    `rules` is the uri of a YAML file that replaces the mapping rules of the format. `chunk_bytes` is how much of a file
    is read as one shard, `bucket_bytes` how many bytes of events (as they lie in memory) are sorted into one file; a
    worker needs about four times the larger of the two. Both change how the work is cut, and no event.
    """

    uri: Location = Field(description="where the source lies: a directory, a file, or the manifest of an export")
    rules: Location | None = Field(
        default=None, description="a YAML file that replaces the mapping rules of the format"
    )
    timezone: str | None = Field(
        default=None, description="IANA zone of the source's clock, for dates and for times that say no zone"
    )
    codes: Profile = Field(default="wardround", description="whose codes are written")
    chunk_bytes: Bytes = Field(
        default=64 * MIB,
        ge=1,
        description="bytes of a file that are read as one shard; cuts the work, and changes no event",
    )
    bucket_bytes: Bytes = Field(
        default=256 * MIB, ge=1, description="bytes of events, as they lie in memory, that are sorted into one file"
    )

    @field_validator("timezone")
    @classmethod
    def _in_the_database(cls, value: str | None) -> str | None:
        if value is not None and not is_zone(value):
            raise ValueError("is not a time zone of the IANA database: write it as Europe/Berlin or UTC")
        return value
