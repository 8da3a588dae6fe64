"""What a spec says of PLINK and BGEN files. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.location import Location
from schemas.units import Bytes
from workers.genomics.build import GenomeBuild
from workers.genomics.files.settings import BgenSettings


class PlinkInput(BgenSettings):
    """`input:` of a conversion from PLINK 1 (`bed`), PLINK 2 (`pgen`) or BGEN (`bgen`).

    `uri` is the .bed, .pgen or .bgen file, or its name without the ending; or a folder, with `/` at its end, or a name
    with `*`: several of them with the same samples, as one of each chromosome, become one table. `build` is said of the
    table, and checked nowhere here. `chunk_bytes` of packed calls are read as one shard, but at least one part of the
    table: 4,096 variants of a large cohort.
    """

    format: Literal["bed", "pgen", "bgen"] = Field(description="bed: PLINK 1; pgen: PLINK 2; bgen: BGEN 1.2 and 1.3")
    uri: Location = Field(
        description="the .bed, .pgen or .bgen file, also without its ending; a folder or a name with * are several of "
        "them, as one of each chromosome"
    )
    build: GenomeBuild | None = Field(
        default=None, description="genome build that is said of the table; checked nowhere here"
    )
    chunk_bytes: Bytes = Field(
        default=64 << 20,
        ge=1,
        description="bytes of packed calls that are read as one shard, but at least one part of the table",
    )


INPUT = PlinkInput
"""What `input:` of a spec is checked against."""
