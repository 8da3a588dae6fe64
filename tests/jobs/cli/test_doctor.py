"""`wardround doctor`: one line a finding, a remedy for each that is not well, and an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cluster.doctor import ray_token
from tests.support.cli import Wardround
from tests.support.mistakes.world import WORLDS
from tests.support.rclone import rclone_s3
from tests.support.seaweed import S3

MakeSpec = Callable[..., Path]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it tries on the current directory, it tries on one of ours."""
    monkeypatch.chdir(tmp_path)


def findings(wardround: Wardround, *words: str | Path) -> tuple[int, dict[str, dict[str, str]]]:
    said = wardround("doctor", *words, "--json")
    lines = [json.loads(line) for line in said.out.splitlines()]
    return said.code, {line["what"]: line for line in lines}


def test_doctor_finds_this_machine_fit(wardround: Wardround, tmp_path: Path) -> None:
    code, found = findings(wardround)
    assert code == 0
    assert {"Python", "Ray", "torch", "device", "decoders", "credentials", "hard links"} <= set(found)
    assert all(line["state"] != "fail" for line in found.values())
    assert not list(tmp_path.iterdir())


def test_doctor_tries_input_models_and_output_of_a_spec(wardround: Wardround, make_spec: MakeSpec) -> None:
    code, found = findings(wardround, make_spec())
    assert code == 0
    assert "can be listed" in found["input"]["says"]
    assert "mean: nothing says which values it takes" in found["models"]["says"]
    assert "safe: hard links let one writer of many win" in found["output"]["says"]


def test_doctor_says_where_credentials_come_from_and_never_what_they_are(
    wardround: Wardround, s3: S3, bucket_prefix: str, make_spec: MakeSpec
) -> None:
    spec = make_spec(output=f"{{uri: {bucket_prefix}/out}}", storage=f'{{endpoint_url: "{s3.endpoint_url}"}}')
    said = wardround("doctor", spec)
    assert said.code == 0
    assert "from environment variables" in said.out
    assert "safe: conditional PUT let one writer of many win" in said.out
    import os

    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said.out + said.err


def test_doctor_refuses_a_store_that_ignores_conditions(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "buckets" / "loose").mkdir(parents=True)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with rclone_s3(tmp_path / "buckets", "key", "secret") as endpoint:
        storage = f'{{endpoint_url: "{endpoint}", region: us-east-1}}'
        code, found = findings(wardround, make_spec(output="{uri: s3://loose/out}", storage=storage))
    assert code == 3
    assert "If-None-Match" in found["output"]["says"]


def test_doctor_does_not_race_the_store_of_a_single_committer(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    code, found = findings(wardround, make_spec(output=f"{{uri: {tmp_path / 'out'}, single_committer: true}}"))
    assert code == 0
    assert "single committer" in found["output"]["says"]
    assert not (tmp_path / "out").exists()


def test_doctor_names_everything_that_is_wrong_at_once(wardround: Wardround, make_spec: MakeSpec) -> None:
    code, found = findings(
        wardround, make_spec(models="{m: {uri: /nowhere}}", input="{collection: images, uri: /nowhere}")
    )
    assert code == 2
    assert (found["input"]["state"], found["models"]["state"], found["output"]["state"]) == ("fail", "fail", "ok")


def test_the_token_is_looked_for_where_ray_looks(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    assert ray_token({"RAY_AUTH_TOKEN": "secret"}) == "RAY_AUTH_TOKEN"
    assert ray_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}) == "RAY_AUTH_TOKEN_PATH"
    assert ray_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")}) == ""


@pytest.mark.parametrize("name", ["events", "fhir", "genotypes"])
def test_doctor_finds_any_input_fit_that_runs_and_shows_what_its_models_say_of_a_few_records(
    wardround: Wardround, tmp_path: Path, name: str
) -> None:
    text = yaml.safe_dump(WORLDS[name](tmp_path)).replace("HERE", str(tmp_path))
    (tmp_path / "spec.yaml").write_text(text)
    code, found = findings(wardround, tmp_path / "spec.yaml")
    assert (code, found["input"]["state"]) == (0, "ok")
    assert ("records" in found) == (name != "fhir")


def test_doctor_warns_where_not_one_of_the_records_that_were_tried_is_ok(
    wardround: Wardround, make_spec: MakeSpec
) -> None:
    code, found = findings(wardround, make_spec(prepare="[{channels: {to: 3}}]"))
    assert code == 0
    assert (found["records"]["state"], found["records"]["says"]) == ("warn", "not one of them is ok")
