"""What a spec says of collection `molecules`. Imports no reader: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter

MoleculesFormat = Literal["parquet", "csv", "smi"]
Standardize = Literal["cleanup", "largest_fragment", "uncharge"]

ENDINGS: dict[str, MoleculesFormat] = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".smi": "smi"}
"""The format by the ending of a file's name; those of text may have `.gz` behind them."""


class MoleculesInput(Frozen):
    """`input:` of a spec over molecules.

    `uri` is a file, or a prefix of files of one format; `glob` filters keys relative to the prefix. `format: auto` goes
    by the names: Parquet, CSV and TSV have a column `smiles`; `.smi` has a SMILES a line and, behind white space, a
    name. CSV, TSV and SMI may be compressed (`.gz`). `header`: the first line of `.smi` is a title.

    `record_id` names a column of ids. Not given, it is the name in `.smi`, and `<key>#<row>` (0-based) of a table and
    of a line without a name. `subject_id` names a column; `carry` names columns that come along to the output, text
    where the file is text.

    `standardize` is what RDKit's MolStandardize does to each molecule, in the order given: `cleanup` (normalised
    groups, metals off, charges in their places), `largest_fragment` (without salts and solvents), `uncharge`. Models,
    and the columns `canonical_smiles` and `inchikey`, see the molecule after it.

    A SMILES of more than `max_chars` characters is `too_large` and never parsed; so is a molecule of more than
    `max_atoms` heavy atoms.
    """

    collection: Literal["molecules"] = Field(description="molecules: SMILES of tables or .smi files")
    uri: Location = Field(description="a file, or a prefix of files of one format")
    format: Literal["auto"] | MoleculesFormat = Field(
        default="auto", description="what the files are; auto goes by their names"
    )
    glob: str | None = Field(default=None, description="pattern that keys relative to the prefix must match")
    smiles: str = Field(default="smiles", description="column of a table with the SMILES")
    record_id: str | None = Field(
        default=None, description="column of ids; by default the name in .smi, and <key>#<row> (from 0) of a table"
    )
    subject_id: str | None = Field(default=None, description="column that says whose molecule it is")
    carry: tuple[str, ...] = Field(default=(), description="columns that come along to the output")
    header: bool = Field(default=False, description="whether the first line of .smi is a title")
    delimiter: Delimiter | None = Field(
        default=None, description="what stands between the fields of CSV; by default a comma, and a tab in .tsv"
    )
    standardize: tuple[Standardize, ...] = Field(
        default=(), description="what RDKit's MolStandardize does to each molecule, in this order"
    )
    max_chars: int = Field(
        default=10_000, gt=0, le=1_000_000, description="characters of a SMILES; more is too_large and never parsed"
    )
    max_atoms: int = Field(default=2_000, gt=0, le=100_000, description="heavy atoms of a molecule; more is too_large")


ONLY_REFUSE = ("max_atoms",)
"""Limits that decide nothing but which records are refused; `max_chars` decides as the input is planned."""

INPUT = MoleculesInput
"""What `input:` of a spec is checked against."""


def format_of(key: str) -> MoleculesFormat | None:
    """The format by the ending of a file's name; None for one that says nothing."""
    name = key.lower()
    plain = name.removesuffix(".gz")
    kind = next((kind for ending, kind in ENDINGS.items() if plain.endswith(ending)), None)
    return None if kind == "parquet" and name != plain else kind
