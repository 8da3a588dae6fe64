from __future__ import annotations

from pathlib import Path

from cluster.storage import StorageSettings
from tests.support.variants import write_fasta
from workers.genomics.genotypes.reference_bases import reference_bases, reference_etag


def test_bases_are_found_by_any_name_of_a_chromosome_and_there_is_none_beyond_it(tmp_path: Path) -> None:
    path = str(write_fasta(tmp_path / "r.fa", {"chr1": "ACGTNacgt", "NC_000002.12": "TTGG"}, width=4))
    storage = StorageSettings()
    bases = reference_bases(path, storage, reference_etag(path, storage))
    assert bases("1", [1, 4, 5, 6, 99]) == ["A", "T", None, "A", None]
    assert bases("2", [3]) == ["G"]
    assert bases("X", [1]) == [None]
