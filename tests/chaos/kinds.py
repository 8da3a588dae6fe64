"""The kinds of run that a campaign disturbs: their input, and their spec."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cluster.storage import StorageSettings, Store
from tests.chaos import archive
from tests.chaos.blows import Pool
from tests.support.bgzf import bgzf
from tests.support.genotype_tables import convert_table, random_vcf
from tests.support.heat import make_heat_model
from tests.support.vcf_scores import catalog_file

CASE = Path(__file__).parent.parent / "cases" / "fhir"


@dataclass(frozen=True)
class Kind:
    """`fill` puts the input into a store and gives what a spec says of it, `shard_records` apart."""

    fill: Callable[[Store, Path], str]
    compute: str

    def spec(self, said: str, output: str, endpoint: str, pool: Pool) -> str:
        """A run on small shards, so that there is much to interrupt; on Ray of up to two workers."""
        workers = "pool: serial" if pool == "serial" else "workers: {min: 1, max: 2}"
        return (
            f"name: chaos\n{said}output: {{uri: {output}}}\n"
            f"compute: {{{workers}, cpus_per_worker: 1, {self.compute}}}\n"
            f"storage: {{endpoint_url: '{endpoint}'}}\n"
        )


def _images(store: Store, folder: Path) -> str:
    return _archive(store, archive.make_model(folder / "model"))


def _heat_maps(store: Store, folder: Path) -> str:
    """The same images, and a model that gives two files for each."""
    return _archive(store, make_heat_model(folder / "heat-model"))


def _archive(store: Store, model: Path) -> str:
    archive.fill(store, images=22)
    source = f"{{collection: images, uri: {store.uri}, carry: [Modality]}}"
    return f"job: predict\ninput: {source}\nmodels: {{mean: {{uri: {model}}}}}\n"


def _export(store: Store, folder: Path) -> str:
    """The hand-made bulk export, and labs of more patients, so that there are some chunks and files."""
    for path in CASE.iterdir():
        store.put(path.name, path.read_bytes(), {})
    labs = [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": f"code-{number % 7}"}]},
            "subject": {"reference": f"Patient/p{number % 23}"},
            "effectiveDateTime": f"2020-01-{1 + number % 28:02d}",
            "valueQuantity": {"value": number, "unit": "mg"},
        }
        for number in range(200)
    ]
    store.put("labs.ndjson", "\n".join(map(json.dumps, labs)).encode(), {})
    source = f"{{format: fhir, uri: {store.uri}, chunk_bytes: 6000, bucket_bytes: 8000}}"
    return f"job: convert\ninput: {source}\n"


def _cohort(store: Store, folder: Path) -> str:
    """A VCF in some chunks, and another file with the same samples."""
    body = random_vcf(20, 400, seed=1).encode()
    store.put("a.vcf.gz", bgzf(body, 2000), {})
    store.put("b.vcf", random_vcf(20, 60, seed=2).encode(), {})
    source = f"{{format: vcf, uri: {store.uri}, chunk_bytes: 9000}}"
    return f"job: convert\ninput: {source}\n"


def _scores(store: Store, folder: Path) -> str:
    """A scoring file over the genotype table of such a cohort."""
    store.put("cohort.vcf", random_vcf(60, 120, seed=3).encode(), {})
    source = f"format: vcf, uri: {store.uri}/cohort.vcf, build: GRCh38"
    table = convert_table(source, f"{store.uri}-table", StorageSettings())
    model = folder / "scores"
    model.mkdir()
    chance = np.random.default_rng(4)
    sites = sorted(chance.choice(120, 90, replace=False))
    rows = [(("chr1", "chr2", "chrX")[3 * at // 120], 100 + 7 * at, "C", "A", chance.normal()) for at in sites]
    catalog_file(model / "score.txt", rows)
    source = f"{{collection: genotypes, format: table, uri: {table.uri}/table, build: GRCh38}}"
    return f"job: predict\ninput: {source}\nmodels: {{pgs: {{uri: {model}}}}}\n"


KINDS = {
    "images": Kind(_images, "shard_records: 4, batch: 4, decode: processes, decoders: 1"),
    "masks": Kind(_heat_maps, "shard_records: 6, batch: 4, decode: processes, decoders: 1"),
    "conversion": Kind(_export, "shard_records: 50"),
    "genotypes": Kind(_cohort, "shard_records: 50"),
    "scores": Kind(_scores, "shard_records: 8"),
}
