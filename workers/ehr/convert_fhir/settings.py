"""What a spec says of a FHIR bulk export. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.units import Bytes
from workers.ehr.meds.settings import MIB, MedsInput


class FhirInput(MedsInput):
    """`input:` of a conversion from FHIR.

    `uri` is the manifest (`.json`) of a bulk export, whose files lie beside it or where it says relative to itself; or
    one file, or a directory, of `*.ndjson` (a resource or a Bundle a line) and `*.json` (Bundles or resources, as
    Synthea writes them), also gzipped. A line longer than `max_line` and a JSON file longer than `max_document` are
    `too_large`; so is what a gzipped file inflates to beyond `max_inflated`.
    """

    format: Literal["fhir"] = Field(description="fhir: resources or Bundles in NDJSON or JSON")
    max_line: Bytes = Field(default=64 * MIB, gt=0, description="bytes of a line; more is too_large")
    max_document: Bytes = Field(default=256 * MIB, gt=0, description="bytes of a JSON file that is read as a whole")
    max_inflated: Bytes = Field(
        default=1024 * 1024 * MIB, gt=0, description="bytes that a gzipped file may become; more is too_large"
    )


INPUT = FhirInput
"""What `input:` of a spec is checked against."""
