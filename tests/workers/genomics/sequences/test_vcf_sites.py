"""What five columns of a VCF give: sites as bcftools reads them, or a row that says why not."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import pysam
import pysam.bcftools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.storage import open_store
from schemas.errors import SpecError
from schemas.status import Status
from tests.support.variants import COLUMNS, HEADER, random_bases, some_variants, write_vcf
from workers.genomics.sequences.bcf_sites import sites
from workers.genomics.sequences.vcf_planning import alleles
from workers.genomics.sequences.vcf_sites import HEAD, Site, parse_site, read_sites, unpacked

CONTIGS = {"1": random_bases(3000, 5), "X": random_bases(500, 6)}
LINE = "1\t10\trs1\tA\tC,G\t.\t.\t.\n"


def of_text(text: str | bytes, piece: int = 1 << 20) -> list[Site]:
    body = text.encode() if isinstance(text, str) else text
    return list(read_sites(body[i : i + piece] for i in range(0, len(body), piece)))


def of_file(path: Path) -> list[Site]:
    return list(sites(open_store(path.parent.as_uri()), path.name))


@pytest.fixture(scope="module")
def vcf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vcf")
    return write_vcf(folder / "in.vcf", some_variants(CONTIGS, 60), list(CONTIGS))


def test_sites_are_those_of_bcftools_query_from_plain_gzip_and_bgzip(vcf: Path) -> None:
    gz, bgz = vcf.with_suffix(".vcf.gz"), vcf.with_suffix(".vcf.bgz")
    gz.write_bytes(gzip.compress(vcf.read_bytes()))
    pysam.tabix_compress(str(vcf), str(bgz), force=True)
    told = pysam.bcftools.query("-f", "%CHROM\t%POS\t%ID\t%REF\t%ALT\n", str(vcf)).splitlines()
    for path in (vcf, gz, bgz):
        found = of_file(path)
        assert [f"{s.chrom}\t{s.pos}\t{s.id or '.'}\t{s.ref}\t{','.join(s.alts)}" for s in found] == told
        assert all(site.fault is None for site in found)


def test_the_pieces_in_which_a_file_comes_make_no_difference() -> None:
    text = HEADER + COLUMNS + LINE + "1\t11\t.\tAC\tA\t.\t.\tDP=1\tGT\t0/1" + "\t0/0" * 200 + "\n" + LINE.rstrip("\n")
    whole = of_text(text)
    assert [site.line for site in whole] == [3, 4, 5]
    assert all(of_text(text, piece) == whole for piece in (1, 2, 7, 100))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("1\t10\t.\tA\tC", Status.UNREADABLE),
        ("1\tten\t.\tA\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t-3\t.\tA\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t99999999999\t.\tA\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t10\t.\t\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t10\t.\t.\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t10\t.\t<DEL>\tC\t.\t.\t.", Status.UNREADABLE),
        ("1 10 . A C . . .", Status.UNREADABLE),
        ("\t10\t.\tA\tC\t.\t.\t.", Status.UNREADABLE),
        ("1\t10\t.\tA\t" + "C" * (HEAD + 10), Status.TOO_LARGE),
    ],
)
def test_a_line_that_cannot_be_read_is_one_row_that_says_so(line: str, status: Status) -> None:
    found = list(alleles(of_text(HEADER + COLUMNS + line + "\n" + LINE), "in.vcf", 1000))
    assert found[0].record_id == "in.vcf#3"
    assert found[0].fault is not None
    assert found[0].fault[0] == status
    assert [allele.record_id for allele in found[1:]] == ["1:10:A:C", "1:10:A:G"]


def test_a_line_that_is_no_text_is_unreadable() -> None:
    found = of_text((HEADER + COLUMNS).encode() + b"1\t10\t\xff\tA\tC\t.\t.\t.\n")
    assert found[0].fault == (Status.UNREADABLE, "the line is not UTF-8")


@pytest.mark.parametrize(
    ("alt", "status"),
    [
        (".", Status.UNSUPPORTED),
        ("*", Status.UNSUPPORTED),
        ("<*>", Status.UNSUPPORTED),
        ("<DEL>", Status.UNSUPPORTED),
        ("<NON_REF>", Status.UNSUPPORTED),
        ("G]17:198982]", Status.UNSUPPORTED),
        ("]13:123456]T", Status.UNSUPPORTED),
        (".TG", Status.UNSUPPORTED),
        ("", Status.UNREADABLE),
        ("A C", Status.UNREADABLE),
        ("Z", Status.UNREADABLE),
        ("A" * 1001, Status.TOO_LARGE),
    ],
)
def test_an_allele_without_a_sequence_is_a_row_beside_those_that_have_one(alt: str, status: Status) -> None:
    found = list(alleles(of_text(f"{HEADER}{COLUMNS}1\t10\t.\tA\tC,{alt},G\t.\t.\t.\n"), "in.vcf", 1000))
    assert [allele.fault and allele.fault[0] for allele in found] == [None, status, None]
    assert all(len(allele.record_id) < 50 for allele in found)


def test_a_truncated_or_damaged_file_ends_with_a_row_that_says_so(vcf: Path, tmp_path: Path) -> None:
    whole = of_file(vcf)
    body = gzip.compress(vcf.read_bytes(), mtime=0)
    (tmp_path / "cut.vcf.gz").write_bytes(body[: len(body) // 2])
    cut = of_file(tmp_path / "cut.vcf.gz")
    assert 0 < len(cut) < len(whole)
    assert cut[:-1] == whole[: len(cut) - 1]
    assert cut[-1].fault == (Status.UNREADABLE, "the gzipped file ends early")
    assert cut[-1].line == cut[-2].line + 1


def test_a_bgzip_file_that_was_cut_off_between_two_blocks_ends_with_a_row_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(HEADER + COLUMNS + LINE * 10_000)
    path = tmp_path / "in.vcf.gz"
    pysam.tabix_compress(str(tmp_path / "in.vcf"), str(path), force=True)
    body = path.read_bytes()
    first = int.from_bytes(body[16:18], "little") + 1
    for end in (first, len(body) - 28):
        path.write_bytes(body[:end])
        found = of_file(path)
        assert found[-1].fault == (Status.UNREADABLE, "the file has no end marker of bgzip: it was cut off")
        assert all(site.fault is None for site in found[:-1])
    assert len(found) == 10_001


@pytest.mark.parametrize("text", ["", LINE, HEADER, HEADER + LINE, "not a vcf\n", "\x00" * 100])
def test_a_file_without_the_header_of_a_vcf_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="no line #CHROM before its records"):
        of_text(text)


def test_ids_are_unique_whatever_comes_twice_or_out_of_order() -> None:
    lines = [
        ("1", 10, "A", "C,C"), ("1", 10, "A", "C"), ("1", 12, "A", "C"), ("1", 10, "A", "C"), ("1", 10, "A", "C"),
        ("2", 10, "A", "C"), ("1", 20, "A", "C,C"), ("2", 10, "A", "C"),
    ]  # fmt: skip
    text = HEADER + COLUMNS + "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in lines)
    ids = [allele.record_id for allele in alleles(of_text(text), "in.vcf", 1000)]
    assert ids == [
        "1:10:A:C", "1:10:A:C#2", "1:10:A:C#3", "1:12:A:C", "1:10:A:C@6", "1:10:A:C@7",
        "2:10:A:C", "1:20:A:C@9", "1:20:A:C@9#2", "2:10:A:C#2",
    ]  # fmt: skip


def _sprinkled() -> st.SearchStrategy[bytes]:
    line = st.lists(
        st.one_of(
            st.sampled_from([b"1", b"chrX", b"10", b".", b"A", b"ACGT", b"C,G", b"<DEL>", b"*", b"A[1:5[", b"", b"0"]),
            st.binary(max_size=6),
        ),
        max_size=10,
    ).map(b"\t".join)
    return st.lists(line, max_size=8).map(b"\n".join)


@given(_sprinkled(), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_file_every_line_has_its_rows_and_every_row_an_id(body: bytes, piece: int) -> None:
    text = (HEADER + COLUMNS).encode() + body
    found = of_text(text, piece)
    # Only lines of the body can be header lines again, or empty.
    wanted = [line for line in body.split(b"\n") if line.strip()]
    assert len(found) == len(wanted)
    for site, line in zip(found, wanted, strict=True):
        again = parse_site(line, site.line)
        assert again == site
        assert site.fault is not None or (site.alts and site.pos >= 0)
    rows = list(alleles(iter(found), "in.vcf", 100))
    assert len({row.record_id for row in rows}) == len(rows) == sum(max(1, len(site.alts)) for site in found)
    assert all(row.fault is not None or (row.ref and row.alt) for row in rows)


DAMAGED = HEADER + COLUMNS + "".join(LINE.replace("10", str(10 + i)) for i in range(200))
PACKED = gzip.compress(DAMAGED.encode(), mtime=0)


@given(
    st.dictionaries(st.integers(12, len(PACKED) - 1), st.integers(1, 255), min_size=1, max_size=4),
)
# A bit between the last code and the checksum, which means nothing; and a code that becomes more lines than there were.
@example(flips={len(PACKED) - 9: 8})
@example(flips={114: 71})
@settings(max_examples=60, deadline=None)
def test_any_damage_to_a_gzipped_file_gives_its_first_lines_and_a_reason(flips: dict[int, int]) -> None:
    body = bytearray(PACKED)
    for place, flip in flips.items():
        body[place] ^= flip
    whole = of_text(DAMAGED)
    found = _of_gzip(bytes(body))
    before = zlib.decompressobj(31).decompress(PACKED[: min(flips)])
    kept = max(0, before.count(b"\n") - (HEADER + COLUMNS).count("\n"))
    assert found == whole or (found is None and not kept) or (found is not None and found[-1].fault is not None)
    assert found is None or found[:kept] == whole[:kept]


def _of_gzip(body: bytes) -> list[Site] | None:
    """None where nothing of the header came out right."""
    try:
        return list(read_sites(unpacked(io.BufferedReader(io.BytesIO(body)))))
    except SpecError:
        return None
