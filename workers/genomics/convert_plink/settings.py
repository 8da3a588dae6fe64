"""What a spec says of PLINK files. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Bytes


class PlinkInput(Frozen):
    """`input:` of a conversion from PLINK 1 (`bed`) or PLINK 2 (`pgen`).

    `uri` is the .bed or .pgen file, or its name without the ending. `build` is said of the table, and checked nowhere
    here. `chunk_bytes` of packed calls are read as one shard, but at least one part of the table: 4,096 variants of a
    large cohort.
    """

    format: Literal["bed", "pgen"] = Field(description="bed: PLINK 1; pgen: PLINK 2")
    uri: Location = Field(description="the .bed or .pgen file, also without its ending")
    build: Literal["GRCh37", "GRCh38"] | None = Field(
        default=None, description="genome build that is said of the table; checked nowhere here"
    )
    chunk_bytes: Bytes = Field(
        default=64 << 20,
        ge=1,
        description="bytes of packed calls that are read as one shard, but at least one part of the table",
    )


INPUT = PlinkInput
"""What `input:` of a spec is checked against."""
