"""Every kind of input that a mount may hold, small, with the spec that reads it. `ROOT` in a spec is the mount."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl

from cluster.storage import open_store
from tests.chaos import archive
from tests.support import history_format, meds_data
from tests.support.bgzf import bgzf
from tests.support.counting_notes import write_model
from tests.support.genotype_runs import weights_of, write_score
from tests.support.genotype_tables import convert_table, random_vcf
from tests.support.meds import CASES
from tests.support.note_inputs import some_notes, write_notes
from tests.support.plink_files import cohort, write_bed, write_pgen
from tests.support.text_models import save_model
from tests.support.variants import random_bases, save_cnn, save_kmer_bert, some_variants, write_fasta, write_vcf

_CONTIGS = {"chr1": random_bases(1500, 1), "chr2": random_bases(300, 2)}
_SMILES = [f"C{'C' * number}O" for number in range(20)]


def _predict(source: str, model: str, more: str = "") -> str:
    return f"job: predict\nname: mount\ninput: {{{source}}}\nmodels: {{m: {{uri: ROOT/{model}}}}}\n{more}"


def _convert(source: str) -> str:
    return f"job: convert\nname: mount\ninput: {{{source}}}\n"


def _images(root: Path, source: str) -> str:
    archive.fill(open_store(str(root / "in")), images=9)
    archive.make_model(root / "model")
    return _predict(f"collection: images, {source}", "model")


def _image_table(root: Path, name: str) -> str:
    said = _images(root, f"uri: ROOT/{name}, roots: [ROOT/in], record_id: id")
    keys = [f"in/png/bild {number:03d} ü+%.png" for number in range(9)]
    table = pl.DataFrame({"id": [f"r{number}" for number in range(9)], "uri": keys})
    table.write_csv(root / name) if name.endswith(".csv") else table.write_parquet(root / name)
    return said


def _image_bytes(root: Path) -> str:
    said = _images(root, "uri: ROOT/images.parquet, bytes_column: image, record_id: id")
    bodies = [path.read_bytes() for path in sorted((root / "in" / "png").iterdir())]
    table = pl.DataFrame({"id": [f"r{number}" for number in range(len(bodies))], "image": bodies})
    table.write_parquet(root / "images.parquet", row_group_size=4)
    return said


def _notes(root: Path, name: str) -> str:
    write_notes(some_notes(20), root / name)
    write_model(root / "model")
    return _predict(f"collection: notes, uri: ROOT/{name}", "model")


def _events(root: Path) -> str:
    meds_data.write_dataset(root / "meds", [meds_data.events(range(9), 1), meds_data.events(range(20, 26), 2)], 40)
    asked = [(subject, meds_data.FIRST_DAY + timedelta(days=700)) for subject in (*range(9), *range(20, 26), 99)]
    meds_data.write_labels(root / "labels.parquet", asked)
    history_format.write_model(root / "model")
    return _predict("collection: events, uri: ROOT/meds, task: {labels: ROOT/labels.parquet}", "model")


def _aces(root: Path) -> str:
    case = CASES / "aces"
    (root / "meds" / "data").mkdir(parents=True)
    shutil.copy(case / "events.parquet", root / "meds" / "data" / "0.parquet")
    shutil.copy(case / "abnormal_lab" / "task.yaml", root / "task.yaml")
    history_format.write_model(root / "model")
    return _predict("collection: events, uri: ROOT/meds, task: {aces: ROOT/task.yaml}", "model")


def _genotypes(root: Path, kind: str) -> str:
    data = cohort(60, 60)
    (write_bed if kind == "bed" else write_pgen)(root, data)
    write_score(root / "scores" / "one.txt", weights_of(data))
    frequencies = [f"{chrom}\t{5_000_000 + row}\tv{row}\tA\tG\t0.25\n" for row, chrom in enumerate(data.chrom)]
    (root / "few.afreq").write_text("#CHROM\tPOS\tID\tREF\tALT\tALT_FREQS\n" + "".join(frequencies))
    source = f"collection: genotypes, build: GRCh38, format: {kind}, uri: ROOT/cohort.{kind}"
    return _predict(source, "scores", "prepare: [{impute: {frequencies: ROOT/few.afreq}}]\n")


def _genotype_table(root: Path) -> str:
    (root / "a.vcf").write_text(random_vcf(60, 60, seed=2))
    convert_table(f"format: vcf, uri: {root}/a.vcf, build: GRCh38", root / "converted")
    variants = pl.read_parquet(root / "converted" / "table" / "variants.parquet")
    weights = variants.select(
        "id", "chrom", "pos", pl.col("alt").alias("effect"), pl.col("ref").alias("other"), pl.lit(0.5).alias("weight")
    )
    write_score(root / "scores" / "one.txt", weights)
    return _predict("collection: genotypes, build: GRCh38, format: table, uri: ROOT/converted/table", "scores")


def _variants(root: Path) -> str:
    write_fasta(root / "ref.fa", _CONTIGS)
    write_vcf(root / "in.vcf", [(name.removeprefix("chr"), *rest) for name, *rest in some_variants(_CONTIGS, 12)])
    save_cnn(root / "cnn")
    return _predict("collection: sequences, uri: ROOT/in.vcf, reference: ROOT/ref.fa", "cnn")


def _fasta(root: Path) -> str:
    write_fasta(root / "dna.fa", {f"s{number}": random_bases(40, number) for number in range(12)})
    save_kmer_bert(root / "bert")
    return _predict("collection: sequences, uri: ROOT/dna.fa", "bert")


def _sequence_table(root: Path, name: str) -> str:
    table = pl.DataFrame({"name": [f"s{i}" for i in range(20)], "dna": [random_bases(40, i) for i in range(20)]})
    table.write_csv(root / name) if name.endswith(".csv") else table.write_parquet(root / name, row_group_size=7)
    save_kmer_bert(root / "bert")
    return _predict(f"collection: sequences, uri: ROOT/{name}, record_id: name, sequence: dna", "bert")


def _molecules(root: Path, name: str) -> str:
    table = pl.DataFrame({"id": [f"m{number}" for number in range(20)], "smiles": _SMILES})
    if name.endswith(".parquet"):
        table.write_parquet(root / name, row_group_size=7)
    elif ".csv" in name:
        write_notes(table, root / name)
    else:
        lines = [f"{smiles} m{number}\n" for number, smiles in enumerate(_SMILES)]
        (root / name).write_bytes(gzip.compress("".join(lines).encode()))
    save_model(root / "tox", "roberta", "SequenceClassification", id2label={0: "No", 1: "Weak", 2: "Yes"})
    identified = "" if ".smi" in name else ", record_id: id"
    return _predict(f"collection: molecules, uri: ROOT/{name}{identified}", "tox")


def _export(root: Path) -> str:
    shutil.copytree(CASES / "fhir", root / "in")
    return _convert("format: fhir, uri: ROOT/in, chunk_bytes: 700, bucket_bytes: 900")


def _omop(root: Path) -> str:
    shutil.copytree(CASES / "omop", root / "in")
    return _convert("format: omop, uri: ROOT/in, bucket_bytes: 600")


def _vcf(root: Path) -> str:
    (root / "in").mkdir()
    (root / "in" / "a.vcf.gz").write_bytes(bgzf(random_vcf(12, 80, seed=1).encode(), 2000))
    (root / "in" / "b.vcf").write_text(random_vcf(12, 20, seed=2))
    return _convert("format: vcf, uri: ROOT/in, chunk_bytes: 3000")


def _plink(root: Path, kind: str) -> str:
    (write_bed if kind == "bed" else write_pgen)(root, cohort(31, 60))
    return _convert(f"format: {kind}, uri: ROOT/cohort.{kind}")


Fill = Callable[[Path], str]
"""Writes an input and its model below a folder, and gives the spec without its output."""

KINDS: Mapping[str, Fill] = {
    "images": lambda root: _images(root, "uri: ROOT/in, carry: [Modality]"),
    "image frames": lambda root: _images(root, "uri: ROOT/in, record: frame"),
    "image table, CSV": lambda root: _image_table(root, "table.csv"),
    "image table, Parquet": lambda root: _image_table(root, "table.parquet"),
    "image bytes": _image_bytes,
    "notes, Parquet": lambda root: _notes(root, "notes.parquet"),
    "notes, CSV": lambda root: _notes(root, "notes.csv"),
    "notes, NDJSON": lambda root: _notes(root, "notes.ndjson.gz"),
    "events, labels": _events,
    "events, ACES": _aces,
    "genotypes, bed": lambda root: _genotypes(root, "bed"),
    "genotypes, pgen": lambda root: _genotypes(root, "pgen"),
    "genotypes, table": _genotype_table,
    "variants": _variants,
    "sequences, FASTA": _fasta,
    "sequences, CSV": lambda root: _sequence_table(root, "table.csv"),
    "sequences, Parquet": lambda root: _sequence_table(root, "table.parquet"),
    "molecules, CSV": lambda root: _molecules(root, "in.csv"),
    "molecules, SMI": lambda root: _molecules(root, "in.smi.gz"),
    "molecules, Parquet": lambda root: _molecules(root, "in.parquet"),
    "convert fhir": _export,
    "convert omop": _omop,
    "convert vcf": _vcf,
    "convert bed": lambda root: _plink(root, "bed"),
    "convert pgen": lambda root: _plink(root, "pgen"),
}
