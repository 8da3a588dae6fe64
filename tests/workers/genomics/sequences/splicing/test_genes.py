"""Tables of genes as the package spliceai has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from tests.support.splicing import GENES_HEADER, PlainGene, write_genes
from workers.genomics.sequences.splicing.genes import read_genes

GENES = (
    PlainGene("ONE", "chr1", "+", 9, 50, ((9, 20), (30, 50))),
    PlainGene("TWO", "chr1", "-", 19, 80, ((19, 80),)),
    PlainGene("MITO", "chrM", "+", 0, 10, ((0, 10),)),
)


def test_a_place_is_in_the_genes_that_are_transcribed_over_it(tmp_path: Path) -> None:
    table = read_genes(write_genes(tmp_path / "genes.txt", GENES))
    assert list(table.contigs) == ["chr1", "chrM"]
    inside = {pos: [gene.symbol for gene in table.at("1", pos)] for pos in (9, 10, 19, 20, 50, 51, 80, 81)}
    assert inside == {
        9: [], 10: ["ONE"], 19: ["ONE"], 20: ["ONE", "TWO"], 50: ["ONE", "TWO"], 51: ["TWO"], 80: ["TWO"], 81: [],
    }  # fmt: skip
    assert [gene.symbol for gene in table.at("MT", 1)] == ["MITO"]
    assert table.at("chr9", 1) == []


def test_the_nearest_end_of_an_exon_is_the_left_one_of_two_as_near(tmp_path: Path) -> None:
    (gene,) = read_genes(write_genes(tmp_path / "genes.txt", GENES[:1])).at("chr1", 10)
    assert gene.edges.tolist() == [10, 20, 31, 50]
    assert [gene.nearest_edge(pos) for pos in (10, 15, 25, 26, 60)] == [0, -5, -5, 5, -10]
    assert (gene.first, gene.last, gene.is_reverse) == (10, 50, False)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "has no column #NAME"),
        (GENES_HEADER.replace("\tSTRAND", ""), "has no column STRAND"),
        (GENES_HEADER, "has no gene"),
        (GENES_HEADER + "A\t1\t+\t5\n", "gene 1 has 4 columns, the header has 7"),
        (GENES_HEADER + "A\t1\t*\t5\t9\t5,\t9,\n", r"gene 1 \(A\): STRAND must be"),
        (GENES_HEADER + "A\t1\t+\tx\t9\t5,\t9,\n", "must be whole numbers"),
        (GENES_HEADER + "A\t1\t+\t5\t9\t5,6,\t9,\n", "as many starts of exons as ends"),
        (GENES_HEADER + "A\t1\t+\t9\t9\t9,\t9,\n", "must have a first and a last base"),
    ],
)
def test_a_table_that_is_none_is_told_by_line_and_column(tmp_path: Path, body: str, told: str) -> None:
    (tmp_path / "genes.txt").write_text(body)
    with pytest.raises(SpecError, match=told):
        read_genes(tmp_path / "genes.txt")


def test_a_table_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "genes.txt").write_bytes(b"\xff\xfe")
    for name in ("genes.txt", "none.txt"):
        with pytest.raises(SpecError, match="cannot be read as a table of genes"):
            read_genes(tmp_path / name)
