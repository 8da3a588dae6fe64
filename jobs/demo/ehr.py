"""Second act: a simulated hospital. Its FHIR export becomes MEDS, its notes give up their problems, its histories are
scored by a recurrent network whose weights are random numbers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl

from jobs.demo.stage_set import StageSet, package_folder, put_folder
from schemas.errors import WardroundError
from schemas.spec import Spec
from workers.ehr.events.formats.make_directory import make_event_model_directory
from workers.ehr.notes.formats.spacy.make_clinical import make_clinical_pipeline_directory

POPULATION = 60
SEED = 42
_SIMULATOR = "import sys; from clinosim.simulator.cli import main; sys.exit(main())"


def simulate(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """Simulate a hospital for a year, put its bulk export into the bucket; the spec that converts it."""
    package_folder("clinosim", "demo")
    folder = stage.folder / "hospital"
    words = ["simulate", "--country", "US", "--population", str(POPULATION), "--seed", str(SEED)]
    words += ["--start", "2025-01-01", "--end", "2026-01-01", "--format", "fhir-r4", "--output", str(folder)]
    done = subprocess.run([sys.executable, "-P", "-c", _SIMULATOR, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WardroundError(f"clinosim could not simulate a hospital: it ended with {done.returncode}")
    files = put_folder(folder / "fhir_r4", stage.store("hospital"))
    announce(f"the FHIR bulk export of a simulated hospital is in the bucket: {files} files, no real person in them")
    return stage.spec("demo-convert.yaml")


def prepare_notes(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """Make a language pipeline that knows clinical problems; the spec that runs it over the notes."""
    put_folder(make_clinical_pipeline_directory(stage.folder / "problems"), stage.store("models/problems"))
    announce("the notes are searched by a list of clinical problems, in the sentences that a spaCy pipeline finds")
    return stage.spec("demo-notes.yaml")


def prepare_events(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """Make a GRU over the codes of the converted dataset; the spec that scores the histories."""
    codes = stage.folder / "codes.parquet"
    stage.store("results/hospital/meds/metadata").download("codes.parquet", codes)
    model = make_event_model_directory(stage.folder / "gru", "event_rnn", codes, seed=SEED, labels=("risk",))
    put_folder(model, stage.store("models/gru"))
    announce("the GRU is untrained: its weights are random numbers, and its scores mean nothing")
    return stage.spec("demo-events.yaml")


def problems(results: Path) -> dict[str, int]:
    """How many problems the notes name, and of how many they say what."""
    rows = pl.read_parquet(results / "notes/predictions/*.parquet", columns=["entities"])
    named = rows.explode("entities").drop_nulls("entities").unnest("entities")
    flags = ("negated", "uncertain", "historical", "family")
    return {"named": named.height, **{flag: int(named[flag].sum()) for flag in flags}}


def look_lines(results: Path) -> list[str]:
    """Lines of Python that show the results."""
    return [
        "import polars as pl",
        f'account = pl.read_parquet("{results / "hospital/account/*.parquet"}")',
        'print(account.group_by("status").len())',
        f'notes = pl.read_parquet("{results / "notes/predictions/*.parquet"}")',
        'print(notes.explode("entities").unnest("entities").select("record_id", "label", "negated", "historical"))',
        f'risks = pl.read_parquet("{results / "events/predictions/*.parquet"}")',
        'print(risks.select("record_id", "last_event_time", "n_events", "oov_rate", "score_risk"))',
    ]
