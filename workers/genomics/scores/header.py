"""The lines with `#` at the top of a scoring file (PGS Catalog, format 2.0 and the forms before it)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.genomics.scores.builds import normal_build

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_ ()-]*")
_OLD_KEYS = {"original_genome_build": "genome_build", "number_of_variants": "variants_number"}
_ACCESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Header:
    """`build` is that of chr_name and chr_position, `harmonised_build` that of hm_chr and hm_pos; None: not said."""

    accession: str | None
    build: str | None
    harmonised_build: str | None
    variants_number: int | None
    keys: Mapping[str, str]


def read_header(lines: Sequence[str]) -> Header:
    """What the lines that begin with `#` say; what they do not say in the way of the Catalog is passed over."""
    keys: dict[str, str] = {}
    for line in lines:
        said, is_said, value = line.lstrip("#").partition("=")
        if line.startswith("#") and is_said and _KEY.fullmatch(said.strip()):
            key = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
            keys.setdefault(_OLD_KEYS.get(key, key), value.strip())
    number = keys.get("variants_number", "")
    accession = keys.get("pgs_id", "")
    return Header(
        accession=accession if _ACCESSION.fullmatch(accession) and accession.upper() not in ("NR", "NA") else None,
        build=normal_build(keys.get("genome_build")),
        harmonised_build=normal_build(keys.get("hmpos_build")),
        variants_number=int(number) if re.fullmatch("[0-9]{1,9}", number) else None,
        keys=keys,
    )
