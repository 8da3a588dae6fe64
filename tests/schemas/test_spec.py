"""The envelope of a spec, and what its errors say."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.errors import SpecError
from schemas.spec import load_spec, parse_spec

GOOD = """
job: predict
name: cxr
input: {collection: images, uri: s3://archive/cxr/}
models: {cxr: {uri: s3://models/cxr/}}
output: {uri: s3://results/cxr/}
"""


def test_a_small_spec_gets_documented_defaults() -> None:
    spec = parse_spec(GOOD)
    assert spec.compute.shard_records == 2048
    assert spec.compute.workers.min == spec.compute.workers.max == 1
    assert spec.limits.max_rejects == 1.0


def test_sizes_shares_and_durations_are_read_as_people_write_them() -> None:
    spec = parse_spec(
        GOOD
        + "limits: {max_rejects: 5%, record_timeout: 2m}\ncompute: {memory_per_worker: 24GiB, prefetch_bytes: 500MB}\n"
    )
    assert spec.limits.max_rejects == pytest.approx(0.05)
    assert spec.limits.record_timeout == 120
    assert spec.compute.memory_per_worker == 24 * 2**30
    assert spec.compute.prefetch_bytes == 500 * 10**6


def test_a_number_of_workers_is_a_fixed_range() -> None:
    spec = parse_spec(GOOD + "compute: {workers: 4}\n")
    assert (spec.compute.workers.min, spec.compute.workers.max) == (4, 4)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("storage: {colour: x}", "unknown key 'storage.colour'; known are endpoint_url"),
        ("OUTPUT: {uri: x}", "unknown key 'OUTPUT', did you mean 'output'?"),
        ("outptu: {uri: x}", "unknown key 'outptu', did you mean 'output'?"),
        ("compute: {shard_record: 5}", "unknown key 'compute.shard_record', did you mean 'shard_records'?"),
        ("compute: {workers: {min: 3, max: 2}}", "max (2) is smaller than min (3)"),
        ("compute: {workers: {minn: 3}}", "unknown key 'compute.workers.minn', did you mean 'min'?"),
        ("limits: {max_rejects: 130%}", "limits.max_rejects"),
        ("compute: {memory_per_worker: lots}", "is not a size"),
        ("storage: {secret_key: hunter2}", "unknown key 'storage.secret_key'"),
        ("limits: {max_rejects: 5}", "limits.max_rejects: 5 is more than all of them; write 5% or 0.05"),
        ("limits: {max_rejects: 5x%}", "limits.max_rejects: '5x%' is not a share; write 5% or 0.05"),
        ("limits: {max_rejects: -1}", "limits.max_rejects: must be at least 0"),
        ("limits: {record_timeout: 1.2.3s}", "is not a duration; write 90s, 5m or 2h"),
        ("compute: {memory_per_worker: 1.2.3GB}", "is not a size"),
        ("compute: {shard_records: many}", "compute.shard_records: must be a whole number"),
        ("compute: {gpus_per_worker: one}", "compute.gpus_per_worker: must be a number"),
        ("compute: {hedge: maybe}", "compute.hedge: must be true or false"),
        ("compute: {pool: dask}", "compute.pool: must be 'ray' or 'serial'"),
        ("compute: everything", "compute: must be a mapping of keys"),
        ("storage: {region: 7}", "storage.region: must be text: put it in quotes"),
        ("prepare: voi", "prepare: must be a list"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_place(extra: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        parse_spec(GOOD + extra)
    assert said in str(error.value)


def test_what_is_missing_or_no_mapping_is_told_in_plain_words() -> None:
    with pytest.raises(SpecError, match=r"^spec: output: is missing$"):
        parse_spec(GOOD.replace("output: {uri: s3://results/cxr/}\n", ""))
    with pytest.raises(SpecError, match=r"^spec: output: must be a mapping of keys$"):
        parse_spec(GOOD.replace("{uri: s3://results/cxr/}", "s3://results/cxr/"))


def test_the_value_of_a_wrong_key_is_never_repeated() -> None:
    with pytest.raises(SpecError) as error:
        parse_spec(GOOD + "storage: {secret_key: hunter2}")
    assert "hunter2" not in str(error.value)


def test_a_key_that_stands_there_twice_is_refused_but_a_merged_one_is_not() -> None:
    with pytest.raises(SpecError, match=r"^spec: key 'limits' stands there twice, again in line 8$"):
        parse_spec(GOOD + "limits: {sample: 3}\nlimits: {sample: 4}")
    merged = GOOD.replace("output: {", "output: {<<: {uri: other}, ")
    assert parse_spec(merged).output.uri == "s3://results/cxr/"


@pytest.mark.parametrize("text", ["", "- a\n- b", "job: [", "just words", "\x00"])
def test_what_is_not_a_mapping_is_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(text)


def test_a_missing_file_is_a_spec_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"no-such\.yaml"):
        load_spec(tmp_path / "no-such.yaml")


def test_a_file_without_an_end_is_read_as_far_as_a_spec_goes(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the spec '/dev/zero' is larger than 1 MiB"):
        load_spec(Path("/dev/zero"))
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# \xc3\xa4\n" * 300_000)
    with pytest.raises(SpecError, match=r"large\.yaml' is larger than 1 MiB"):
        load_spec(large)


def test_a_model_name_that_cannot_be_a_column_is_refused() -> None:
    with pytest.raises(SpecError, match="columns are named after it"):
        parse_spec(GOOD.replace("{cxr: {uri", "{'c x': {uri"))


def test_a_pipe_is_read_if_somebody_writes_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "spec.yaml"
    os.mkfifo(pipe)
    monkeypatch.setattr("schemas.spec._PATIENCE_S", 0.1)
    with pytest.raises(SpecError, match=r"spec\.yaml.*a pipe into which nobody writes: name a file"):
        load_spec(pipe)
    monkeypatch.setattr("schemas.spec._PATIENCE_S", 10.0)
    text = (
        "job: predict\nname: piped\ninput: {collection: images, uri: /a}\nmodels: {m: {uri: /m}}\noutput: {uri: /o}\n"
    )
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(pipe.write_text, text)
        assert load_spec(pipe).name == "piped"
        writing.result()


@pytest.mark.parametrize("name", ["a\\0b", "a\\x1b[31m", "two\\nlines", "\\x85"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="name: has characters that cannot be shown"):
        parse_spec(re.sub("name: .*", lambda _: f'name: "{name}"', GOOD))


@pytest.mark.parametrize("name", ["Röntgen 2024", "胸部X線", "Herz\u00a0und Lunge"])
def test_a_name_may_be_of_any_script(name: str) -> None:
    assert parse_spec(re.sub("name: .*", f"name: {name}", GOOD)).name == name
