"""What plans and reads notes loads neither torch nor a language library."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "('torch', 'transformers', 'spacy', 'nltk', 'pydicom', 'cv2', 'ray')"


@pytest.mark.parametrize(
    "modules",
    ["workers.ehr.notes.collection, workers.ehr.notes.look, workers.ehr.notes.steps", "workers.ehr.notes.stages"],
)
def test_planning_and_reading_import_nothing_heavy(modules: str) -> None:
    code = f"import sys, {modules}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_the_steps_of_every_format_are_known_without_anything_heavy() -> None:
    code = (
        "import sys; from jobs.schema import spec_schema; spec_schema(print);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
