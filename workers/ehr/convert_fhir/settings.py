"""What a spec says of a FHIR bulk export. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.units import Bytes
from workers.ehr.meds.settings import MIB, MedsInput


class FhirInput(MedsInput):
    """`input:` of a conversion from FHIR.

    `uri` is the manifest (`.json`) of a bulk export, whose files lie beside it or where it says relative to itself, or
    a directory of `*.ndjson` and `*.ndjson.gz`. A line longer than `max_line` is `too_large`; so is what a gzipped file
    inflates to beyond `max_inflated`.
    """

    format: Literal["fhir"]
    max_line: Bytes = Field(default=64 * MIB, gt=0)
    max_inflated: Bytes = Field(default=1024 * 1024 * MIB, gt=0)


INPUT = FhirInput
"""What `input:` of a spec is checked against."""
