"""Lines of VCF scored in one go: read, matched and summed by the parts that a run uses, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.outputs import OutputField
from tests.support.genotype_tables import vcf_line
from workers.contract import ModelCard
from workers.genomics.contract import GenotypeChunk
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.variants import records_of
from workers.genomics.genotypes.models import GenotypeModel, settle
from workers.genomics.genotypes.ploidy import Haploid, Ploidy
from workers.genomics.genotypes.scores import Scores, ScoreTaker
from workers.genomics.genotypes.steps import parse_steps
from workers.genomics.scores.asked import LayoutFile
from workers.genomics.scores.files import read_scores
from workers.genomics.scores.matcher import Matched, match
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import Bases, Target
from workers.genomics.table.records import Records
from workers.genomics.table.values import float_dosages

_PLAIN = Match(min_overlap=0, ambiguous="keep")


@dataclass(frozen=True)
class Scored:
    """Sums of one score, alleles called and copies of effect alleles, a sample each; and what matching said."""

    sums: list[float]
    alleles: list[int]
    matched: Matched
    records: Records

    @property
    def copies(self) -> list[float | None]:
        """The sums, None where no allele was called."""
        return [total if alleles else None for total, alleles in zip(self.sums, self.alleles, strict=True)]


def read_lines(lines: Sequence[str], samples: int, **settings: Any) -> Records:
    """As a conversion reads them under these settings of `input:`."""
    source = VcfInput(format="vcf", uri="x", **settings)
    return records_of([Line(line.rstrip("\n").encode()) for line in lines], samples, source)


def variants_of(records: Records) -> pl.DataFrame:
    """The variants as a source gives them."""
    index = pl.int_range(pl.len(), dtype=pl.Int64).alias("variant_idx")
    return records.variants.select(index, "chrom", "pos", "id", "ref", "alt", "record", "end")


def chunk_of(records: Records, samples: int) -> GenotypeChunk:
    """The calls as a source gives them."""
    calls, dosage = records.calls, None
    if calls.dosage is not None and calls.has_dosage is not None:
        dosage = float_dosages(calls.packed, samples, calls.dosage, calls.has_dosage)
    return GenotypeChunk(np.arange(len(calls.packed)), samples, calls.packed, dosage, calls.haploid)


def score_lines(
    lines: Sequence[str],
    samples: int,
    score: Path,
    *,
    sex: Sequence[int] | None = None,
    frequencies: Sequence[float] | None = None,
    bases: Bases | None = None,
    cut: int = 1 << 30,
    asked: LayoutFile | None = None,
    how: Match | None = None,
    **settings: Any,
) -> Scored:
    """`frequencies` of ALT are of each variant and fill missing calls; without them a missing call counts nothing.
    Genotypes come in chunks of `cut` variants."""
    records = read_lines(lines, samples, **settings)
    variants, chunk = variants_of(records), chunk_of(records, samples)
    found = match(read_scores(score, "GRCh38", asked), Target(variants, None, "GRCh38", bases), how or _PLAIN)
    steps = [{"columns": {"average": True, "counts": True}}]
    fields = tuple(OutputField(name=name, type="float64", meaning="m") for name in found.scores)
    card = settle(ModelCard("pgs", fields, settings={"scores": list(found.scores)}), steps)
    model = GenotypeModel("m", score.parent, card, parse_steps(steps))
    known = None
    if frequencies is not None:
        known = variants.select("variant_idx", alt_freq=pl.Series(frequencies, dtype=pl.Float64))
    of_score = dict.fromkeys(found.scores, 0)
    made = Scores.of(model, [(found.scores, found.entries)], known, variants, of_score, None)
    sexes: NDArray[np.int8] = np.array(sex or [0] * samples, np.int8)
    ploidy = Ploidy(Haploid(variants, "GRCh38"), sexes, bool(sexes.any()))
    taker = ScoreTaker(made, ploidy, samples, threads=1, device="cpu")
    for at in range(0, len(chunk.variant_idx), cut):
        part = slice(at, at + cut)
        given = [None if one is None else one[part] for one in (chunk.dosage, chunk.haploid)]
        piece = GenotypeChunk(chunk.variant_idx[part], samples, chunk.packed[part], *given)
        taker.add(ploidy.observed(piece))
    values = taker.finish().values
    alleles = [row[0] for row in values["allele_ct"].to_pylist()]
    return Scored(values[found.scores[0]].to_pylist(), alleles, found, records)


def catalog_file(path: Path, rows: Sequence[tuple[Any, ...]]) -> Path:
    """A scoring file of the PGS Catalog: chromosome, position, effect allele, other allele, weight."""
    head = (
        "#pgs_id=PGS000001\n#genome_build=GRCh38\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
    )
    path.write_text(head + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def split_lines(
    way: str, pos: int, ref: str, alts: Sequence[str], calls: Sequence[tuple[int, int] | None]
) -> list[str]:
    """A site as tools write it: `undivided`; `bcftools` (norm -m-): a line an ALT, the other ALTs as REF; `vt`
    (decompose): the other ALTs missing; `star`: the other ALTs as `*`."""
    if way == "undivided":
        return [vcf_line("1", pos, ref, ",".join(alts), ["./." if c is None else f"{c[0]}/{c[1]}" for c in calls])]
    lines = []
    for number, alt in enumerate(alts, 1):
        other = {"bcftools": "0", "vt": ".", "star": "2"}[way]
        signs = {0: "0", number: "1"}
        texts = ["./." if c is None else "/".join(signs.get(allele, other) for allele in c) for c in calls]
        lines.append(vcf_line("1", pos, ref, f"{alt},*" if way == "star" else alt, texts))
    return lines
