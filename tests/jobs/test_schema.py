"""The JSON Schema of a spec says what the code accepts, and every example is accepted by both."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jobs.registry import JOBS, kind_of
from jobs.schema import spec_schema, undescribed
from schemas.loading import validate
from schemas.spec import Spec, parse_spec
from tests.support.cli import ROOT, spec_text
from workers.images.steps import parse_steps

EXAMPLES = sorted((ROOT / "jobs" / "specs").glob("*.yaml"))
README = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
SCHEMA = jsonschema.Draft202012Validator(spec_schema(print))


def accepted(text: str) -> dict[str, Any]:
    """The spec, checked by the code and by the schema."""
    spec = parse_spec(text)
    validate(kind_of(spec).room(spec.input).get("settings", "INPUT"), spec.input)
    if spec.input.get("collection") == "images":
        parse_steps(list(spec.prepare or []))
    raw: dict[str, Any] = yaml.safe_load(text)
    SCHEMA.validate(raw)
    return raw


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_every_example_is_a_spec(path: Path) -> None:
    accepted(path.read_text(encoding="utf-8"))


def test_every_spec_in_the_readme_is_one() -> None:
    assert README
    for text in README:
        if "job:" in text:
            accepted(text)


@pytest.mark.parametrize(
    "change",
    [
        {"limits": "{max_rejects: 5%, record_timeout: 2m}"},
        {"compute": "{workers: 4, memory_per_worker: 24GiB}"},
        {"compute": "{workers: {min: 1, max: 4}}"},
        {"prepare": "[clahe, {resize: {size: [64, 64]}}]"},
        {"prepare": "[html, {unicode: {form: NFKC}}]", "input": "{collection: notes, uri: x, carry: [site]}"},
        {
            "prepare": "[{match: {ambiguous: keep}}, {impute: {missing: none}}, adjust, {columns: {average: true}}]",
            "input": "{collection: genotypes, uri: x.bed, format: bed, build: GRCh38, chunk_bytes: 8MiB}",
        },
    ],
)
def test_what_people_write_is_accepted_by_the_schema_as_by_the_code(change: dict[str, str]) -> None:
    accepted(spec_text("/archive", "/model", output="{uri: /out}", **change))


@pytest.mark.parametrize(
    "change",
    [
        {"ouput": "{uri: x}"},
        {"input": "{collection: images, uri: x, fromat: png}"},
        {"prepare": "[{clahee: {}}]"},
        {"prepare": "[{unicode: {form: NFD}}]"},
        {"input": "{collection: notes, uri: x, encoding: utf-7}"},
        {"compute": "{workers: many}"},
        {"limits": "{sample: -1}"},
    ],
)
def test_what_the_code_refuses_the_schema_refuses(change: dict[str, str]) -> None:
    text = spec_text("/archive", "/model", output="{uri: /out}", **change)
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("augment", "is_one"),
    [
        ("[flip, {rotate: {degrees: 5}}, {mixup: }]", True),
        ("[]", True),
        ("[flop]", False),
        ("[{rotate: {degree: 5}}]", False),
        ("[{noise: {std: 2}}]", False),
        ("{flip: {}}", False),
    ],
)
def test_the_schema_knows_the_steps_of_an_augmentation(augment: str, is_one: bool) -> None:
    text = (ROOT / "jobs" / "specs" / "train-images.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = yaml.safe_load(text)
    raw["input"]["augment"] = yaml.safe_load(augment)
    assert SCHEMA.is_valid(raw) == is_one


def test_every_key_says_what_it_means() -> None:
    assert undescribed(spec_schema(print)) == []


def test_a_key_that_says_nothing_is_found() -> None:
    document = {"properties": {"job": {"description": "what is done"}}, "$defs": {"Limits": {"properties": {"x": {}}}}}
    assert undescribed(document) == ["Limits.x"]


def test_the_command_prints_it_without_torch_or_a_decoder() -> None:
    code = (
        "import sys; from jobs.cli.main import main; main(['schema']); "
        "sys.exit(bool({'torch', 'ray', 'pydicom', 'cv2', 'SimpleITK'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["title"] == "wardround spec"


def test_the_description_of_job_names_every_job() -> None:
    told = Spec.model_fields["job"].description or ""
    assert [job for job in JOBS if f"{job} (" not in told] == []
