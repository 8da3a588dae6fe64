"""The .sample file of BGEN: two lines of header, then a line a sample (as qctool and plink2 have it)."""

import re

from polars import DataFrame

from schemas.errors import SpecError
from workers.genomics.files.plink_text import read_columns, sample_frame

_FID, _IID, _SEX = "ID_1", "ID_2", "sex"
_HEADER_LINES = 2


def read_sample(body: bytes, name: str) -> DataFrame:
    """Rows of `SAMPLE_SCHEMA`. ID_1 is the family and ID_2 the sample; without ID_2, ID_1 is. Raises SpecError."""
    lines = body.split(b"\n", _HEADER_LINES)
    columns = re.split(r"[ \t]+", lines[0].decode("utf-8", "replace").strip())
    kinds = lines[1].split() if len(lines) > 1 else []
    if not columns or columns[0].upper() not in (_FID, "ID") or len(kinds) != len(columns) or kinds[0] != b"0":
        raise SpecError(
            f"{name!r} does not begin as a .sample file, with a line ID_1 ID_2 missing and a line 0 0 0: correct it"
        )
    upper = [column.upper() for column in columns]
    iid = upper.index(_IID) if _IID in upper else 0
    places = {iid: "iid"} | ({0: "fid"} if iid else {})
    if _SEX.upper() in upper:
        places[upper.index(_SEX.upper())] = "sex"
    table = read_columns(lines[2] if len(lines) > _HEADER_LINES else b"", places, name, _HEADER_LINES + 1)
    fid, sex = ("fid" if iid else None), ("sex" if "sex" in places.values() else None)
    return sample_frame(table, fid, "iid", sex, name, _HEADER_LINES + 1)
