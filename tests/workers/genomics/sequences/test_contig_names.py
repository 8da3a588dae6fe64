from __future__ import annotations

from workers.genomics.sequences.contig_names import ContigNames


def test_a_contig_is_found_under_the_names_that_other_files_give_it() -> None:
    names = ContigNames(["chr1", "chrX", "chrM", "chrUn_KI270302v1", "odd"])
    asked = ["chr1", "1", "NC_000001.11", "23", "X", "MT", "Un_KI270302v1", "odd", "chrodd", "2", "chr2"]
    assert [names.find(name) for name in asked] == [
        "chr1", "chr1", "chr1", "chrX", "chrX", "chrM", "chrUn_KI270302v1", "odd", "odd", None, None,
    ]  # fmt: skip


def test_of_two_contigs_with_one_plain_name_only_the_very_name_is_meant() -> None:
    names = ContigNames(["1", "chr1", "chrM", "MT"])
    assert [names.find(name) for name in ("1", "chr1", "NC_000001.10", "M")] == ["1", "chr1", None, None]
