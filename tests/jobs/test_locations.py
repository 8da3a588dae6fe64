"""Paths in a spec are from the folder that it lies in, whatever the working directory is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from jobs.locations import absolute, local_paths, located, refuse_elsewhere
from jobs.spec_source import spec_from
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Spec

RELATIVE: dict[str, Any] = {
    "job": "predict",
    "name": "small",
    "input": {"collection": "genotypes", "format": "bed", "uri": "cohort.bed"},
    "models": {"m": {"uri": "../models/m"}},
    "prepare": [{"adjust": {"components": "pcs.tsv"}}, "columns", {"impute": {"frequencies": "/abs/freq"}}],
    "output": {"uri": "out/"},
}


def spec(**changes: Any) -> Spec:
    return validate(Spec, {**RELATIVE, **changes})


def test_every_path_of_a_spec_is_from_its_folder() -> None:
    found = located(spec(), "/home/study")
    assert found.input["uri"] == "/home/study/cohort.bed"
    assert found.models["m"].uri == "/home/models/m"
    assert found.output.uri == "/home/study/out/"
    assert found.prepare == (
        {"adjust": {"components": "/home/study/pcs.tsv"}},
        "columns",
        {"impute": {"frequencies": "/abs/freq"}},
    )


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"collection": "images", "uri": "t.csv", "roots": ["pix"]}, "roots"),
        ({"collection": "sequences", "uri": "x.vcf", "reference": "x.fa"}, "reference"),
        ({"collection": "events", "uri": "meds", "task": {"labels": "l.parquet"}}, "task"),
        ({"collection": "events", "uri": "meds", "task": {"aces": "l.yaml", "predicates": "p.yaml"}}, "task"),
    ],
)
def test_side_files_of_every_collection_too(source: dict[str, Any], key: str) -> None:
    given = source[key]
    names = given.values() if isinstance(given, dict) else [given] if isinstance(given, str) else given
    found = located(spec(input=source), "/s").input[key]
    values = found.values() if isinstance(found, dict) else [found] if isinstance(found, str) else found
    assert list(values) == [f"/s/{name}" for name in names]


def test_what_lies_deeper_in_the_input_too() -> None:
    source = {
        "run": "out",
        "labels": {"uri": "labels.csv", "key": "id"},
        "roots": ["maps", "/abs/maps"],
        "compare": {"run": "../other"},
        "outcomes": {"x": {"score": "score_x", "label": "x"}},
    }
    found = located(spec(job="evaluate", input=source, models={}, prepare=None), "/s/t").input
    assert (found["run"], found["labels"]["uri"], found["compare"]["run"]) == (
        "/s/t/out",
        "/s/t/labels.csv",
        "/s/other",
    )
    assert found["roots"] == ["/s/t/maps", "/abs/maps"]
    assert found["outcomes"] == source["outcomes"]


def test_rules_of_a_conversion_too() -> None:
    source = {"format": "fhir", "uri": "bulk", "rules": "my.yaml"}
    found = located(spec(job="convert", input=source, models={}, prepare=None), "/s").input
    assert (found["uri"], found["rules"]) == ("/s/bulk", "/s/my.yaml")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/data", "/data"),
        ("s3://b/$x", "s3://b/$x"),
        ("file:///a%20b", "file:///a%20b"),
        ("a b/ü%#?", "/s/a b/ü%#?"),
        ("./x/", "/s/x/"),
        ("price$", "/s/price$"),
        ("~/out", "/home/me/out"),
    ],
)
def test_a_path_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch, text: str, place: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute("/s", text) == place


@pytest.mark.parametrize(("text", "place"), [("a/b", "s3://b/specs/a/b"), ("../m/", "s3://b/m/"), ("/d", "/d")])
def test_a_spec_on_storage_has_its_neighbours_there(text: str, place: str) -> None:
    assert absolute("s3://b/specs", text) == place


@pytest.mark.parametrize("text", ["$HOME/out", "${DATA}/x", "data/$USER", "~nobody-of-that-name/x"])
def test_what_a_shell_would_put_in_is_refused_by_its_key(text: str) -> None:
    with pytest.raises(SpecError, match=r"^output\.uri: .*write the (whole )?path"):
        located(spec(output={"uri": text}), "/s")


def test_what_is_not_known_is_left_for_whoever_checks_it() -> None:
    unknown = {"input": {"collection": "imgs", "uri": "x"}}
    for changes in ({"job": "train"}, unknown, {"prepare": [7, {"a": 1, "b": 2}]}):
        located(spec(**changes), "/s")


def test_local_paths_are_those_that_another_machine_would_not_have() -> None:
    assert local_paths(located(spec(), "/s")) == ["/s/cohort.bed", "/s/pcs.tsv", "/abs/freq", "/models/m", "/s/out/"]
    far: dict[str, Any] = {"input": {"collection": "images", "uri": "s3://b/x"}, "prepare": None}
    assert local_paths(spec(**far, models={"m": {"uri": "s3://b/m"}}, output={"uri": "S3://b/o"})) == []


def test_a_cluster_elsewhere_is_not_given_paths_of_this_machine() -> None:
    with pytest.raises(SpecError, match=r"5 paths of the spec \('/s/cohort\.bed' first\).*s3://.*shared_paths"):
        refuse_elsewhere(located(spec(), "/s"))


def test_from_standard_input_paths_are_from_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    body = b"job: predict\nname: x\ninput: {collection: images, uri: a}\nmodels: {m: {uri: m}}\noutput: {uri: o}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body)))
    assert spec_from("-").output.uri == str(tmp_path / "o")


def test_a_spec_file_is_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "s.yaml").write_text(
        "job: predict\nname: x\ninput: {collection: images, uri: ../a}\nmodels: {m: {uri: m}}\noutput: {uri: o}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert spec_from("specs/s.yaml").input["uri"] == str(tmp_path / "a")
    monkeypatch.chdir("/")
    assert spec_from(tmp_path / "specs" / "s.yaml").output.uri == str(tmp_path / "specs" / "o")
