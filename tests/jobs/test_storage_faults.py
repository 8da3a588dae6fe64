"""A whole run over a real S3 server and a proxy that lies in its name: one row of the table of faults a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest
from _pytest.mark import ParameterSet

from cluster.storage import open_store
from jobs.cli.main import main
from tests.chaos.harness import logical_content
from tests.support.cli import Said, Wardround
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3
from tests.support.small_run import make_archive, make_model
from tests.support.storage_faults import ALL, GC, RUNS, TABLES, VERIFY, Case

DOCS = Path(__file__).parents[2] / "docs" / "storage.md"
IMAGES = 6
STALL_S = 75.0


@pytest.fixture(scope="module")
def place(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A prefix with an archive, two tables of it and a model."""
    folder = tmp_path_factory.mktemp("faults")
    prefix = f"s3://{s3.bucket}/{folder.name}-faults"
    make_archive(folder / "archive", IMAGES)
    make_model(folder / "model")
    for name in ("archive", "model"):
        # Without the checksum of its own, which a store would send along: the etag has to do.
        store = open_store(f"{prefix}/{name}", s3.settings.model_copy(update={"request_checksum": "when_required"}))
        for path in (folder / name).iterdir():
            store.put(path.name, path, {})
    for name, count in (("table.csv", IMAGES), ("spare.csv", 1)):
        rows = [f"{prefix}/archive/{number:02d}.png,{number:02d}" for number in range(count)]
        open_store(prefix, s3.settings).put(name, "\n".join(["uri,record_id", *rows, ""]).encode(), {})
    return prefix


@pytest.fixture
def proxy(s3: S3) -> Iterator[FaultProxy]:
    with FaultProxy(s3.endpoint_url, stall_seconds=STALL_S) as proxy:
        yield proxy


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wardround:
    """The command line on a node that has no model yet."""
    monkeypatch.setenv("WARDROUND_CACHE", str(tmp_path / "cache"))
    return Wardround(capsys)


def spec(folder: Path, place: str, output: str, endpoint_url: str, more: str = "", source: str = "archive") -> Path:
    path = folder / f"{output}.yaml"
    path.write_text(
        f"job: predict\nname: faults\ninput: {{collection: images, uri: {place}/{source}}}\n"
        f"models: {{mean: {{uri: {place}/model}}}}\noutput: {{uri: {place}/{output}}}\n"
        "compute: {pool: serial, shard_records: 4, batch: 4}\n"
        f"storage: {{endpoint_url: '{endpoint_url}', attempts: 3, backoff: 0.01, read_timeout: 0.4}}\n"
        + (more or "limits: {outages: 1}")
    )
    return path


def run(command: Wardround, path: Path) -> Said:
    return command("run", path, "--progress", "none")


@pytest.fixture(scope="module")
def clean(s3: S3, place: str, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The rows of a run that met no fault."""
    folder = tmp_path_factory.mktemp("clean")
    for name, source in (("clean", "archive"), ("second", "archive"), ("of-table", "table.csv")):
        assert main(["run", str(spec(folder, place, name, s3.endpoint_url, source=source)), "--progress", "none"]) == 0
    return rows_at(s3, place, "clean")


def rows_at(s3: S3, place: str, output: str) -> pl.DataFrame:
    return logical_content(open_store(f"{place}/{output}", s3.settings))


def params(cases: Sequence[Case], every: int = 1) -> list[ParameterSet]:
    """Each `every`-th that ends at once is quick; the others take the quick ones' paths, or wait."""
    quick = [case for case in cases if case.code != 4][::every]
    marks = {id(case): [] if case in quick else [pytest.mark.long] for case in cases}
    return [pytest.param(case, id=f"{case.where}: {case.what}", marks=marks[id(case)]) for case in cases]


def met(case: Case, said: Said, proxy: FaultProxy) -> None:
    """The command ended as the table says, and there was a fault."""
    assert [fault for _, _, fault in proxy.log if fault], "no fault was met: the test shows nothing"
    assert said.code == case.code, said.err
    assert case.says in said.err
    assert ".png" not in said.err, "a key is told"


@pytest.mark.parametrize("case", params(RUNS, every=5))
def test_a_run_that_meets_it_ends_as_the_table_says(
    case: Case, s3: S3, place: str, proxy: FaultProxy, clean: pl.DataFrame, command: Wardround, tmp_path: Path
) -> None:
    proxy.use(*case.faults)
    proxy.page_keys = case.page_keys
    met(case, run(command, spec(tmp_path, place, tmp_path.name, proxy.endpoint_url, case.more)), proxy)
    if case.code == 4:
        proxy.use()
        again = run(command, spec(tmp_path, place, tmp_path.name, proxy.endpoint_url))
        assert again.code == 0, again.err
    if case.code in (0, 4):
        assert_rows(rows_at(s3, place, tmp_path.name), clean, case.rows)


@pytest.mark.parametrize("case", params(TABLES))
@pytest.mark.usefixtures("clean")
def test_a_run_over_a_table_ends_as_the_table_of_faults_says(
    case: Case, s3: S3, place: str, proxy: FaultProxy, command: Wardround, tmp_path: Path
) -> None:
    proxy.use(*case.faults)
    met(case, run(command, spec(tmp_path, place, tmp_path.name, proxy.endpoint_url, source="table.csv")), proxy)
    assert_rows(rows_at(s3, place, tmp_path.name), rows_at(s3, place, "of-table"), {})


@pytest.mark.parametrize("case", params(VERIFY))
@pytest.mark.usefixtures("clean")
def test_verify_ends_as_the_table_says(
    case: Case, place: str, proxy: FaultProxy, command: Wardround, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
    proxy.use(*case.faults)
    met(case, command("verify", f"{place}/clean"), proxy)


@pytest.mark.parametrize("case", params(GC))
@pytest.mark.usefixtures("clean")
def test_gc_ends_as_the_table_says_and_deletes_nothing_that_is_needed(
    case: Case, s3: S3, place: str, proxy: FaultProxy, command: Wardround, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(f"{place}/clean", s3.settings)
    before = {info.key for info in store.list()}
    if "DELETE" in case.faults[0].method:
        store.put(".wardround-probe/x/turn", b"left", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
    proxy.use(*case.faults)
    met(case, command("gc", f"{place}/clean", "--yes", "--older-than", "0s"), proxy)
    assert {info.key for info in store.list()} >= before


def test_a_changed_object_of_a_store_that_ignores_if_match_is_input_changed(
    s3: S3, place: str, proxy: FaultProxy, command: Wardround, tmp_path: Path
) -> None:
    store = open_store(f"{place}/moving", s3.settings)
    archive = open_store(f"{place}/archive", s3.settings)
    for info in archive.list():
        store.put(info.key, archive.get(info.key), {})
    path = spec(tmp_path, place, "moved", proxy.endpoint_url, source="moving")
    proxy.use(Fault("expired", "GET", r"/moving/\d", times=10_000))
    assert run(command, path).code == 4
    store.put("02.png", archive.get("03.png"), {})
    proxy.use(Fault("ignores_if_match", "GET", r"/moving/\d", times=10_000))
    assert run(command, path).code == 0
    found = rows_at(s3, place, "moved")
    assert found.filter(pl.col("record_id") == "02.png")["status"].item() == "input_changed"
    assert found.filter(pl.col("status") == "ok").height == IMAGES - 1


def test_the_docs_have_the_same_table() -> None:
    lines = DOCS.read_text().splitlines()
    told = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| ")]
    assert [row for row in told if row[0] in {case.where for case in ALL}] == [
        (case.where, case.what, case.does) for case in ALL
    ]


def assert_rows(found: pl.DataFrame, clean: pl.DataFrame, differing: Mapping[int, str]) -> None:
    """The same rows but for these."""
    assert found.height == clean.height
    assert {row: found["status"][row] for row in differing} == differing
    kept = [row for row in range(clean.height) if row not in differing]
    assert found[kept].equals(clean[kept])
