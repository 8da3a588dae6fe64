"""What a spec says of VCF. Imports no decoder: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Bytes

MIB = 1 << 20


class VcfInput(Frozen):
    """`input:` of a conversion from VCF or BCF.

    `uri` is a file, or a directory of them (`.vcf`, `.vcf.gz`, `.vcf.bgz`, `.bcf`) with the same samples in the same
    order. `build` is said of the table, and checked nowhere here.

    `dosage` is the FORMAT field that holds copies of ALT, such as DS; none is read otherwise. `half_calls` are those
    like `./1`: `missing`, `haploid` (1) or `reference` (0/1), as PLINK 2 has it. `other_alts`: what the other
    alternatives of a split record count as, `reference` or `missing`. `symbolic` alleles (`<DEL>`, breakends and `*`)
    and records without an alternative (`monomorphic`) are kept or skipped; `only_pass` skips records with a filter.

    `chunk_bytes` of a file, as it is stored, are read as one shard. A line longer than `max_line` is no variant but a
    row of the account that says so; what a gzipped file inflates to beyond `max_inflated` is not read.
    """

    format: Literal["vcf"]
    uri: Location
    build: Literal["GRCh37", "GRCh38"] | None = None
    dosage: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    half_calls: Literal["missing", "haploid", "reference"] = "missing"
    other_alts: Literal["reference", "missing"] = "reference"
    symbolic: Literal["skip", "keep"] = "skip"
    monomorphic: Literal["keep", "skip"] = "keep"
    only_pass: bool = False
    chunk_bytes: Bytes = Field(default=64 * MIB, ge=1)
    max_line: Bytes = Field(default=256 * MIB, gt=0)
    max_header: Bytes = Field(default=256 * MIB, gt=0)
    max_inflated: Bytes = Field(default=16 * 1024 * 1024 * MIB, gt=0)


INPUT = VcfInput
"""What `input:` of a spec is checked against."""
