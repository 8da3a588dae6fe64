"""What a spec says of OMOP tables. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.units import Bytes
from workers.ehr.meds.settings import MIB, MedsInput


class OmopInput(MedsInput):
    """`input:` of a conversion from OMOP.

    `uri` is a directory in which each table is one file (`measurement.parquet`, `.csv`, `.csv.gz`) or a folder of them;
    case does not matter. A line of CSV longer than `max_line` ends the reading of its file; so does what a gzipped file
    inflates to beyond `max_inflated`.
    """

    format: Literal["omop"] = Field(description="omop: tables of the OMOP CDM in Parquet or CSV")
    max_line: Bytes = Field(
        default=64 * MIB, gt=0, description="bytes of a line of CSV; a longer one ends the reading of its file"
    )
    max_inflated: Bytes = Field(
        default=1024 * 1024 * MIB, gt=0, description="bytes that a gzipped file may become; more ends the reading of it"
    )


INPUT = OmopInput
"""What `input:` of a spec is checked against."""
