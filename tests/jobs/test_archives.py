"""A run over archives is the run over what was packed into them: the same rows, exactly once, whoever dies."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from cluster.storage import Store, open_store
from jobs.verification.verify import verify
from tests.chaos.archive import make_model as make_image_model
from tests.chaos.harness import logical_content
from tests.support.archives import tarred, zipped
from tests.support.dicom_files import shipped
from tests.support.runs import rows, run
from tests.support.seaweed import S3
from tests.support.small_run import finish, go_on, make_archive, start
from tests.support.volume_runs import make_archive as make_volume_archive
from tests.support.volume_runs import make_model as make_volume_model

PACKED = ("one.zip", "shard-000000.tar", "three.tar.gz")


def pack(files: dict[str, bytes], store: Store) -> None:
    """A third of the files each in a zip, in a tar with annotations beside them, in a compressed tar, and one alone."""
    names = sorted(files)
    parts = [{name: files[name] for name in names[at::3]} for at in range(3)]
    loose = parts[0].popitem()
    beside = {f"{name.partition('.')[0]}.json": b"{}" for name in parts[1]}
    bodies = (zipped(parts[0]), tarred({**parts[1], **beside}), tarred(parts[2], "gz"))
    for key, body in [*zip(PACKED, bodies, strict=True), loose]:
        store.put(key, body, {})


def files_under(folder: Path) -> dict[str, bytes]:
    """Their bytes by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpacked(table: pl.DataFrame) -> pl.DataFrame:
    """The rows with ids as they are without archives, in the order of those."""
    plain = pl.col("record_id").str.replace(f"^({'|'.join(PACKED)})!/", "")
    return table.with_columns(plain).sort("record_id")


def spec(folder: Path, uri: str, output: str, more: str = "", rest: str = "") -> Path:
    path = folder / f"{abs(hash((uri, output)))}.yaml"
    path.write_text(
        f"job: predict\nname: packed\ninput: {{collection: images, uri: {uri}{more}}}\n"
        f"models: {{m: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {output}}}\n"
        f"compute: {{pool: serial, shard_records: 4, decode: threads}}\n{rest}"
    )
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, DICOM objects of several frames and a letter, as files and packed."""
    folder = tmp_path_factory.mktemp("images")
    make_image_model(folder / "model")
    plain = make_archive(folder / "plain")
    (plain / "05-letter.txt").rename(plain / "05-letter.doc")
    (plain / "frames.dcm").write_bytes(shipped("SC_rgb_rle_2frame.dcm"))
    (plain / "DICOMDIR").write_bytes(shipped("dicomdirtests/DICOMDIR"))
    pack(files_under(plain), open_store(str(folder / "packed")))
    return folder


@pytest.mark.parametrize("record", ["image", "frame"])
def test_rows_are_those_of_the_files_that_were_packed(images: Path, record: str) -> None:
    for name in ("plain", "packed"):
        run(spec(images, str(images / name), str(images / f"{record}-{name}"), f", record: {record}").read_text())
    plain, packed = (rows(images / f"{record}-{name}") for name in ("plain", "packed"))
    assert unpacked(packed).equals(plain.sort("record_id"))
    assert packed.filter(pl.col("record_id").str.contains("DICOMDIR"))["status"].to_list() == ["no_pixels"]


def test_what_was_passed_over_is_counted_in_the_run_and_shown(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs.cli.main import main

    path = spec(images, str(images / "packed"), str(images / "counted"))
    assert main(["run", str(path), "--progress", "none"]) == 0
    counts = [{"what": "*.json beside images", "number": 5}]
    assert json.loads((images / "counted" / "manifest.json").read_text())["tables"]["passed over, no records"] == counts
    assert "*.json beside images       5" in capsys.readouterr().out
    assert "*.json beside images" in (images / "counted" / "report.html").read_text()
    assert main(["plan", str(path), "--sample", "0"]) == 0
    assert "passed over *.json beside images 5" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("point", [pytest.param("plan.after_put", marks=pytest.mark.long), "commit.after_put:4"])
def test_a_run_over_archives_on_s3_that_is_killed_goes_on(images: Path, s3: S3, bucket_prefix: str, point: str) -> None:
    source, output = f"{bucket_prefix}/in", f"{bucket_prefix}/out"
    pack(files_under(images / "plain"), open_store(source, s3.settings))
    path = spec(images, source, output, rest=f"storage: {{endpoint_url: '{s3.endpoint_url}'}}\n")
    code, _ = finish(start(path, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(path)
    assert code == 0, said
    verify(open_store(output, s3.settings))
    clean = spec(images, str(images / "packed"), str(images / f"clean-{point.partition('.')[0]}"))
    run(clean.read_text())
    found, expected = (
        logical_content(open_store(uri, s3.settings))
        for uri in (output, str(images / f"clean-{point.partition('.')[0]}"))
    )
    assert found.equals(expected)


def test_series_are_the_same_from_archives_as_from_folders(tmp_path: Path) -> None:
    make_volume_model(tmp_path / "model")
    make_volume_archive(tmp_path / "plain")
    (tmp_path / "plain" / "brain.txt").unlink()
    pack(files_under(tmp_path / "plain"), open_store(str(tmp_path / "packed")))
    for name in ("plain", "packed"):
        more = ", record: series, carry: [Modality], segmentation: {masks: [nifti]}"
        run(spec(tmp_path, str(tmp_path / name), str(tmp_path / f"out-{name}"), more).read_text())
    plain, packed = (rows(tmp_path / f"out-{name}") for name in ("plain", "packed"))
    assert set(plain["status"]) >= {"ok", "incomplete_series", "localizer"}
    named = [name for name in plain.columns if name != "mask_nifti"]
    assert unpacked(packed).select(named).equals(plain.sort("record_id").select(named))
    masks = [table.sort("shape", "status")["mask_nifti"].to_list() for table in (plain, packed)]
    for one, other in zip(*masks, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            mine, theirs = nibabel.load(tmp_path / "out-plain" / one), nibabel.load(tmp_path / "out-packed" / other)
            assert np.array_equal(mine.get_fdata(), theirs.get_fdata())
            assert np.array_equal(mine.affine, theirs.affine)
