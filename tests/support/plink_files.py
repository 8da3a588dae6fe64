"""A small cohort with both sexes, X, Y and MT and missing calls, as the files of PLINK 1 and PLINK 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pgenlib
from bed_reader import to_bed
from numpy.typing import NDArray

CODES = np.array([0, 1, 2, -9], np.int8)


@dataclass(frozen=True)
class Cohort:
    """(variants, samples) calls 0, 1, 2 and 3, and what the text files say."""

    calls: NDArray[np.int8]
    chrom: list[str]
    sex: NDArray[np.int8]


def cohort(samples: int, variants: int, seed: int = 1) -> Cohort:
    """Calls of mixed frequencies; half of the variants lie on 1, the others on X, Y and MT."""
    random = np.random.default_rng(seed)
    frequency = random.beta(0.4, 1.0, (variants, 1))
    calls = random.binomial(2, frequency, (variants, samples)).astype(np.int8)
    calls[random.random(calls.shape) < 0.03] = 3
    chrom = [["1", "X", "1", "Y", "1", "MT"][6 * row // variants] for row in range(variants)]
    order = np.argsort(["1XYMT".index(name) for name in chrom], kind="stable")
    return Cohort(calls, [chrom[row] for row in order], random.choice([1, 2], samples).astype(np.int8))


def write_pgen(folder: Path, data: Cohort, name: str = "cohort") -> Path:
    """The .pgen with its .pvar and .psam."""
    variants, samples = data.calls.shape
    path = folder / f"{name}.pgen"
    writer = pgenlib.PgenWriter(bytes(path), samples, variant_ct=variants, nonref_flags=False)
    for row in CODES[data.calls]:
        writer.append_biallelic(row)
    writer.close()
    lines = [f"{chrom}\t{5_000_000 + row}\tv{row}\tA\tG\n" for row, chrom in enumerate(data.chrom)]
    path.with_suffix(".pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n" + "".join(lines))
    people = [f"f\ts{at}\t{sex}\n" for at, sex in enumerate(data.sex)]
    path.with_suffix(".psam").write_text("#FID\tIID\tSEX\n" + "".join(people))
    return path


def write_bed(folder: Path, data: Cohort, name: str = "cohort") -> Path:
    """The .bed with its .bim and .fam, as bed-reader writes them."""
    variants, samples = data.calls.shape
    path = folder / f"{name}.bed"
    values = np.where(data.calls == 3, -127, data.calls).T
    properties = {
        "fid": ["f"] * samples,
        "iid": [f"s{at}" for at in range(samples)],
        "sex": data.sex,
        "chromosome": data.chrom,
        "sid": [f"v{row}" for row in range(variants)],
        "bp_position": 5_000_000 + np.arange(variants),
        "allele_1": ["G"] * variants,
        "allele_2": ["A"] * variants,
    }
    to_bed(path, values, properties=properties, count_A1=True)
    return path
