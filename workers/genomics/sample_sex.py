"""Sex of samples from a table that somebody gives: VCF does not say it."""

import re

import polars as pl

from schemas.errors import SpecError
from workers.genomics.chromosomes import FEMALE, MALE

_CODES = {
    "1": MALE, "m": MALE, "male": MALE, "2": FEMALE, "f": FEMALE, "female": FEMALE,
    "0": 0, "-9": 0, "na": 0, "": 0, ".": 0, "u": 0, "unknown": 0, "nan": 0,
}  # fmt: skip
_IDS = ("iid", "sample", "sample_id", "id")
_SEXES = ("sex", "gender")
_FAM_FIELDS = 6


def sexes_of(body: bytes, name: str, samples: list[str]) -> list[int]:
    """1 male, 2 female, 0 unknown of each of these samples; those that the table has not are unknown.

    The table is .psam, .fam, or has a line of names with IID and SEX; without one, two columns are IID and SEX, three
    FID, IID and SEX. Raises SpecError, with the line, for what is no sex, for a sample of two sexes, and where no
    sample is in it.
    """
    found: dict[str, int] = {}
    iid: int | None = None
    sex = 0
    for number, line in enumerate(body.decode("utf-8-sig", "replace").splitlines(), 1):
        fields = _fields(line)
        if not line.strip() or line.startswith("##"):
            continue
        if iid is None:
            iid, sex, is_header = _columns(fields, name, number)
            if is_header:
                continue
        if len(fields) <= max(iid, sex):
            raise SpecError(f"{name}: line {number} has fewer columns than the first: correct it")
        code = _CODES.get(fields[sex].lower())
        if code is None:
            raise SpecError(f"{name}: line {number} has no sex that is known: write 1 or M, 2 or F, or 0")
        if found.setdefault(fields[iid], code) != code:
            raise SpecError(f"{name}: line {number} gives a sample another sex than a line before: correct it")
    if not any(sample in found for sample in samples):
        raise SpecError(f"{name}: has none of the samples of input.uri: its ids must be those of the genotypes")
    return [found.get(sample, 0) for sample in samples]


def _fields(line: str) -> list[str]:
    separator = "\t" if "\t" in line else "," if "," in line else None
    return [field.strip().strip('"') for field in (line.split(separator) if separator else line.split())]


def _columns(fields: list[str], name: str, number: int) -> tuple[int, int, bool]:
    """Places of the id and the sex, by the first line, and whether that names columns."""
    lower = [re.sub("^#", "", field).lower() for field in fields]
    iid = next((lower.index(one) for one in _IDS if one in lower), None)
    sex = next((lower.index(one) for one in _SEXES if one in lower), None)
    if iid is not None and sex is not None:
        return iid, sex, True
    if len(fields) in (2, 3) and fields[-1].lower() in _CODES:
        return len(fields) - 2, len(fields) - 1, False
    if len(fields) == _FAM_FIELDS:
        return 1, 4, False
    raise SpecError(f"{name}: line {number} neither names columns IID and SEX nor is one of .fam")


def with_sex(samples: pl.DataFrame, sexes: list[int]) -> pl.DataFrame:
    """The samples with these."""
    return samples.with_columns(sex=pl.Series(sexes, dtype=pl.Int8))
