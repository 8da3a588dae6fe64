"""A whole run over storage that fails now and then, and over storage that keeps failing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings, open_store
from jobs.execute import worker_job
from jobs.hosts import open_host
from jobs.running import prepare_job, run_stages
from jobs.settings import storage_settings
from jobs.verification.verify import verify
from schemas.errors import InfrastructureError
from schemas.spec import Spec, parse_spec
from schemas.work import ShardTask
from tests.chaos.harness import logical_content
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.runs import QUIET
from tests.support.seaweed import S3
from tests.support.small_run import make_archive, make_model
from workers.pipeline.factory import open_stage

KINDS = ("slow_down", "internal_error", "conflict", "reset_before", "reset_after", "truncate")


@pytest.fixture
def folder(tmp_path: Path, s3: S3, bucket_prefix: str) -> Path:
    """The model on this disk, the archive on S3."""
    make_model(tmp_path / "model")
    store = open_store(f"{bucket_prefix}/archive", s3.settings)
    for path in make_archive(tmp_path / "archive").iterdir():
        store.put(path.name, path, {})
    return tmp_path


def spec(folder: Path, prefix: str, output: str, endpoint_url: str) -> Spec:
    return parse_spec(
        f"job: predict\nname: faults\ninput: {{collection: images, uri: {prefix}/archive}}\n"
        f"models: {{mean: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {prefix}/{output}}}\n"
        f"compute: {{pool: serial, shard_records: 3}}\nstorage: {{endpoint_url: '{endpoint_url}'}}\n"
    )


def run(wanted: Spec) -> None:
    run_stages(wanted, open_host, QUIET, lambda line: None)


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_now_and_then_change_nothing(folder: Path, s3: S3, bucket_prefix: str, seed: int) -> None:
    run(spec(folder, bucket_prefix, "clean", s3.endpoint_url))
    with FaultProxy(s3.endpoint_url, chance=0.1, kinds=KINDS, seed=seed) as proxy:
        run(spec(folder, bucket_prefix, "faulty", proxy.endpoint_url))
        met = {fault for _, _, fault in proxy.log if fault}
    assert met, "no fault was met: the test shows nothing"
    settings = StorageSettings(endpoint_url=s3.endpoint_url)
    clean, faulty = (open_store(f"{bucket_prefix}/{name}", settings) for name in ("clean", "faulty"))
    verify(faulty)
    assert logical_content(faulty).equals(logical_content(clean))


def test_storage_that_refuses_is_infrastructure_that_names_the_row_and_never_becomes_one(
    folder: Path, s3: S3, bucket_prefix: str
) -> None:
    outage = Fault("forbidden", method="GET", key=r"/archive/02\.png", times=10_000)
    with FaultProxy(s3.endpoint_url, [outage]) as proxy:
        wanted = spec(folder, bucket_prefix, "out", proxy.endpoint_url)
        storage = storage_settings(wanted)
        stage = prepare_job(wanted, storage).open_next(open_store(wanted.output.uri, storage), [])
        assert stage is not None
        job = open_stage(worker_job(stage, wanted), 1, 0)
        job.load_models()
        with pytest.raises(InfrastructureError, match=r"^row 2: .*403"):
            job.score_now(ShardTask(0), job.records(ShardTask(0)))
        job.close()
        assert not stage.present()
