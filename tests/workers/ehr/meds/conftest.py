"""One small finished conversion, for the tests of its stages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.storage import Store
from tests.support.meds import convert_spec, run_convert


def condition(patient: str, code: str, at: str | None, display: str | None = None) -> dict[str, Any]:
    coding = {"system": "http://snomed.info/sct", "code": code, "display": display}
    return {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{name: value for name, value in coding.items() if value}]},
        **({"recordedDate": at} if at else {}),
    }


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """File a: two conditions of p1, an empty line, one without a time. File b: one of p2, one of p1, no JSON."""
    folder = tmp_path_factory.mktemp("conversion")
    (folder / "in").mkdir()
    a = [condition("p1", "1", "2020"), condition("p1", "2", "2019", "Two"), "", condition("p1", "3", None)]
    b = [condition("p2", "1", "2020", "One"), condition("p1", "1", "2021", "Other"), "{"]
    for name, lines in (("a", a), ("b", b)):
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (folder / "in" / f"{name}.ndjson").write_text("".join(f"{text}\n" for text in texts))
    return run_convert(convert_spec(f"format: fhir, uri: {folder / 'in'}", str(folder / "out")))
