"""A .pvar that lists fewer alleles than its .pgen has calls of: the files do not belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pgenlib
import pytest

from schemas.errors import RecordError, SpecError
from workers.genomics.files.pgen import PgenSource
from workers.genomics.kernels.codes import unpack

CALLS = [[(0, 1), (1, 2), (2, 2), (0, 0)], [(0, 1), (1, 1), (0, 0), (0, 1)], [(0, 3), (3, 3), (1, 2), (0, 0)]]


def write(folder: Path, alts: list[str]) -> Path:
    """Calls of two, one and three ALTs; `alts` are what .pvar lists."""
    path = folder / "in.pgen"
    writer = pgenlib.PgenWriter(bytes(path), 4, variant_ct=3, nonref_flags=False, allele_ct_limit=4)
    for calls in CALLS:
        flat = np.array(calls, np.int32).reshape(-1)
        writer.append_alleles(flat, allele_ct=max(2, int(flat.max()) + 1))
    writer.close()
    rows = "".join(f"1\t{at + 1}\tv{at}\tA\t{alt}\n" for at, alt in enumerate(alts))
    path.with_suffix(".pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n" + rows)
    path.with_suffix(".psam").write_text("#IID\n" + "".join(f"s{at}\n" for at in range(4)))
    return path


def test_as_many_alleles_as_there_are_calls_of_are_read(tmp_path: Path) -> None:
    source = PgenSource(str(write(tmp_path, ["C,G", "C", "C,G,T"])))
    (chunk,) = source.chunks(0, 4, None, 1 << 20)
    found = unpack(chunk.packed, 4).tolist()
    of = ((0, 1), (0, 2), (1, 1), (2, 1), (2, 2), (2, 3))
    assert found == [[call.count(alt) for call in CALLS[record]] for record, alt in of]
    source.close()


def test_two_listed_of_three_are_found_when_they_are_read(tmp_path: Path) -> None:
    source = PgenSource(str(write(tmp_path, ["C,G", "C", "C,G"])))
    with pytest.raises(RecordError, match=r"or its \.pvar lists fewer alleles"):
        list(source.chunks(0, 4, None, 1 << 20))


@pytest.mark.parametrize(
    ("alts", "says"),
    [
        (["C", "C", "C,G,T"], "lists 1 ALT alleles of its variant number 1"),
        (["C,G", "C", "C"], "lists 1 ALT alleles of its variant number 3"),
        (["C", "C", "C"], "lists 1 ALT alleles of its variant number 1"),
    ],
)
def test_fewer_are_refused_before_anything_is_read(tmp_path: Path, alts: list[str], says: str) -> None:
    with pytest.raises(SpecError, match=f"{says}.*they do not belong together"):
        PgenSource(str(write(tmp_path, alts)))
