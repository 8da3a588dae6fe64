"""What a spec says of collection `sequences`. Imports no reader: the driver reads this too."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter

MIB = 1 << 20

SequencesFormat = Literal["vcf", "fasta", "parquet", "csv"]


class SequencesInput(Frozen):
    """`input:` of a spec over variants or sequences.

    `uri` is one file: a VCF (plain, gzip or bgzip) or BCF with `reference`, the FASTA that its positions are of; a
    FASTA whose records are scored; or a table (Parquet, CSV, TSV) with a column of sequences. `format: auto` goes by
    its name.

    Of a VCF every ALT allele of every line is a record, `<chrom>:<pos>:<ref>:<alt>`, and `#<n>` where that comes up
    again. What stands in columns CHROM, POS, ID, REF and ALT is carried. Alleles of more than `max_allele` bases are
    `too_large`. Contigs are found under their name with or without `chr`, and M under MT.

    `reference` is plain FASTA with an index `.fai` beside it, or bgzip with `.fai` and `.gzi`. A plain one of up to
    64 MiB may do without.

    Of a table `record_id` and `sequence` name columns; `subject_id` does where there is one, and `carry` others to come
    along (text, of CSV). Sequences of more than `max_bases` are `too_large`.
    """

    collection: Literal["sequences"] = Field(
        description="sequences: variants on a reference, or DNA and protein sequences"
    )
    uri: Location = Field(description="one file: a VCF or BCF, a FASTA, or a table with a column of sequences")
    format: Literal["auto"] | SequencesFormat = Field(
        default="auto", description="what the file is; auto goes by its name"
    )
    reference: Location | None = Field(
        default=None, description="of a VCF: the FASTA that its positions are of, with its index .fai beside it"
    )
    record_id: str = Field(default="record_id", description="column of a table with the ids")
    sequence: str = Field(default="sequence", description="column of a table with the sequences")
    subject_id: str | None = Field(default=None, description="column of a table that says whose sequence it is")
    carry: tuple[str, ...] = Field(default=(), description="columns of a table that come along to the output")
    delimiter: Delimiter | None = Field(
        default=None, description="what stands between the fields of CSV; by default a comma, and a tab in .tsv"
    )
    max_allele: int = Field(default=10_000, gt=0, le=MIB, description="bases of an allele; more is too_large")
    max_bases: int = Field(default=1_000_000, gt=0, le=64 * MIB, description="letters of a sequence; more is too_large")

    @property
    def kind(self) -> SequencesFormat | None:
        """The format, by the file's name where it is not said; None for a name that says nothing."""
        if self.format != "auto":
            return self.format
        name = self.uri.lower().removesuffix(".gz").removesuffix(".bgz")
        return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)

    @model_validator(mode="after")
    def _fits(self) -> SequencesInput:
        kind = self.kind
        if kind is None:
            raise ValueError(f"uri: its name ends in none of {', '.join(_ENDINGS)}: name the format")
        if (kind == "vcf") != (self.reference is not None):
            raise ValueError("reference is the FASTA that a VCF is about: a VCF needs it, nothing else has one")
        if kind in ("vcf", "fasta"):
            given = [name for name in ("record_id", "sequence", "subject_id", "carry") if name in self.model_fields_set]
            if given:
                raise ValueError(f"{given[0]} names a column of a table, and the input is {kind}")
        return self


_ENDINGS: dict[str, SequencesFormat] = {
    ".vcf": "vcf",
    ".bcf": "vcf",
    ".fasta": "fasta",
    ".fa": "fasta",
    ".fna": "fasta",
    ".faa": "fasta",
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
}

ONLY_REFUSE = ("max_bases",)
"""Limits that decide nothing but which records are refused; `max_allele` decides as the input is planned."""

INPUT = SequencesInput
"""What `input:` of a spec is checked against."""
