"""From a PACS to rows: the same as from files, though the PACS is killed, and with nothing said of who is in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pydicom
import pytest

from jobs.cli.main import main
from tests.chaos.archive import make_model as make_image_model
from tests.support.dicom_files import PYDICOM_DATA
from tests.support.dicomweb_server import DicomWebServer, Fault
from tests.support.dicomweb_vendors import AWS, DCM4CHEE, PLAIN, Vendor, VendorServer
from tests.support.orthanc import PASSWORD, USER, Orthanc, needs_orthanc
from tests.support.runs import rows
from tests.support.series import T1, files_of, made, stored
from tests.support.small_run import finish, go_on, start
from tests.support.volume_runs import BROKEN, SERIES, make_model

IMPATIENT = "storage: {attempts: 2, backoff: 10ms}\nlimits: {outages: 1}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, and a folder with a series, and one with a gap."""
    folder = tmp_path_factory.mktemp("dicomweb")
    make_model(folder / "volumes")
    make_image_model(folder / "images")
    (folder / "series").mkdir()
    for number, body in enumerate(_series()):
        (folder / "series" / f"{number}.dcm").write_bytes(body)
    return folder


@pytest.fixture(scope="module")
def pacs(folder: Path) -> Iterator[Orthanc]:
    with Orthanc(folder) as orthanc, pytest.MonkeyPatch.context() as environment:
        environment.setenv("NETRC", str(orthanc.write_netrc(folder)))
        yield orthanc


def _series() -> list[bytes]:
    broken = [stored(one) for number, one in enumerate(made(6, series=BROKEN, seed=1)) if number != 2]
    return [*(stored(one) for one in made(8)), *broken]


def write(
    folder: Path, name: str, source: str, model: str = "volumes", compute: str = "", more: str = IMPATIENT
) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(
        f"job: predict\nname: pacs\ninput: {{collection: images, {source}}}\n"
        f"models: {{one: {{uri: {folder / model}}}}}\noutput: {{uri: {folder / name}}}\n"
        f"compute: {{pool: serial, decode: threads{compute}}}\n{more}"
    )
    return path


def of_volumes(uri: object, more: str = "") -> str:
    return f"record: series, uri: '{uri}', carry: [PatientID], segmentation: {{masks: [nifti]}}{more}"


@needs_orthanc
def test_series_of_a_pacs_give_the_rows_and_masks_of_their_files(folder: Path, pacs: Orthanc) -> None:
    assert pacs.load(_series()) == 13
    for name, uri in (("of-files", folder / "series"), ("of-pacs", pacs.url)):
        assert go_on(write(folder, name, of_volumes(uri)))[0] == 0
    ours, theirs = rows(folder / "of-pacs"), rows(folder / "of-files")
    assert dict(zip(ours["record_id"], ours["status"], strict=True)) == {SERIES: "ok", BROKEN: "incomplete_series"}
    assert ours.drop("mask_nifti").equals(theirs.drop("mask_nifti"))
    masks = [
        np.asanyarray(nibabel.load(folder / name / table["mask_nifti"].drop_nulls()[0]).dataobj)
        for name, table in (("of-pacs", ours), ("of-files", theirs))
    ]
    assert np.array_equal(*masks)


@needs_orthanc
def test_a_query_decides_what_is_planned(folder: Path, pacs: Orthanc) -> None:
    pacs.load(_series())
    spec = write(folder, "queried", of_volumes(pacs.url, f", query: {{SeriesInstanceUID: {BROKEN}}}"))
    assert go_on(spec)[0] == 0
    assert rows(folder / "queried")["record_id"].to_list() == [BROKEN]
    spec = write(folder, "nobody", of_volumes(pacs.url, ", query: {PatientID: nobody, StudyDate: 19000101-19001231}"))
    code, said = go_on(spec)
    assert code == 2
    assert "no records" in said
    assert "nobody'" not in said


@needs_orthanc
@pytest.mark.long
def test_images_of_a_pacs_give_the_rows_of_their_files(folder: Path, pacs: Orthanc) -> None:
    (folder / "pydicom").mkdir()
    seen: dict[str, bytes] = {}
    for path in sorted((PYDICOM_DATA / "test_files").glob("*.dcm")):
        header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        if header.get("StudyInstanceUID") and header.get("SOPInstanceUID"):
            seen.setdefault(str(header.SOPInstanceUID), path.read_bytes())
    taken = {uid: body for uid, body in seen.items() if pacs.load([body])}
    assert len(taken) > 30
    for uid, body in taken.items():
        (folder / "pydicom" / uid).write_bytes(body)
    tables = []
    for name, uri in (("image-files", folder / "pydicom"), ("image-pacs", pacs.url)):
        assert go_on(write(folder, name, f"uri: '{uri}', carry: [SOPInstanceUID]", "images"))[0] == 0
        tables.append(rows(folder / name).filter(pl.col("SOPInstanceUID").is_in(list(taken))))
    files, pacs_rows = (table.drop("record_id").sort("SOPInstanceUID") for table in tables)
    assert pacs_rows.equals(files)
    assert files.filter(pl.col("status") == "ok").height > 20


@needs_orthanc
@pytest.mark.long
def test_a_pacs_that_is_killed_in_the_middle_costs_nothing_but_time(folder: Path, pacs: Orthanc) -> None:
    pacs.load(path.read_bytes() for path in files_of(T1))
    source = f"uri: '{pacs.url}', query: {{Modality: MR, StudyDate: 20130101-20131231}}, carry: [InstanceNumber]"
    assert go_on(write(folder, "clean", source, "images"))[0] == 0
    spec = write(folder, "killed", source, "images", ", shard_records: 1")
    process = start(spec)
    done = folder / "killed" / "predictions"
    until = time.monotonic() + 240
    while not (done.exists() and len(os.listdir(done)) >= 2):
        assert time.monotonic() < until, finish(process)
        time.sleep(0.005)
    pacs.kill()
    try:
        code, said = finish(process)
        assert code == 4, said
        assert "DICOMweb service" in said
        assert PASSWORD not in said
        assert 2 <= len(os.listdir(done)) < 48
        code, said = go_on(spec)
        assert code == 4, said
    finally:
        pacs.start()
    assert go_on(spec)[0] == 0
    assert main(["verify", str(spec)]) == 0
    assert rows(folder / "killed").equals(rows(folder / "clean"))
    assert rows(folder / "killed")["status"].to_list() == ["ok"] * 48


@needs_orthanc
@pytest.mark.long
def test_an_instance_that_is_deleted_after_planning_is_missing_and_no_other(folder: Path, pacs: Orthanc) -> None:
    bodies = [stored(one) for one in made(6, series="1.2.3.77")]
    pacs.load(bodies)
    source = f"uri: '{pacs.url}', query: {{SeriesInstanceUID: 1.2.3.77}}"
    spec = write(folder, "deleted", source, "images", ", shard_records: 2")
    pacs.kill()
    assert go_on(spec)[0] == 4
    pacs.start()
    finish(start(spec, {"WARDROUND_CRASH_AT": "run.after_put"}))
    pacs.delete("1.2.3.77.3")
    assert go_on(spec)[0] == 0
    found = rows(folder / "deleted")
    assert dict(zip(found["record_id"].str.split("/").list.last(), found["status"], strict=True)) == {
        f"1.2.3.77.{number}": "missing" if number == 3 else "ok" for number in range(1, 7)
    }


@needs_orthanc
@pytest.mark.long
def test_a_file_that_is_gone_from_the_disk_of_a_pacs_costs_its_own_row(folder: Path, pacs: Orthanc) -> None:
    pacs.load(stored(one) for one in made(6, series="1.2.3.78"))
    source = f"uri: '{pacs.url}', query: {{SeriesInstanceUID: 1.2.3.78}}"
    spec = write(folder, "lost", source, "images", ", shard_records: 2", IMPATIENT.replace("10ms", "50ms"))
    finish(start(spec, {"WARDROUND_CRASH_AT": "run.after_put"}))
    pacs.kill()
    pacs.lose("1.2.3.78.5")
    pacs.start()
    code, said = go_on(spec)
    assert code == 0, said
    found = rows(folder / "lost")
    assert dict(zip(found["record_id"].str.split("/").list.last(), found["status"], strict=True)) == {
        f"1.2.3.78.{number}": "unreadable" if number == 5 else "ok" for number in range(1, 7)
    }
    assert found["detail"].drop_nulls().to_list() == [
        "the service gives other instances and never this one: it answers 500"
    ]
    code, said = go_on(write(folder, "unplanned", source, "images"))
    assert code == 4
    assert "what lies in one of them" in said


@needs_orthanc
def test_neither_password_nor_user_stands_anywhere(folder: Path, pacs: Orthanc) -> None:
    pacs.load(_series())
    spec = write(folder, "private", of_volumes(pacs.url, f", query: {{SeriesInstanceUID: {BROKEN}}}"))
    code, said = go_on(spec)
    assert code == 0
    for path in (folder / "private").rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            assert PASSWORD.encode() not in body
            assert USER.encode() not in body or path.suffix == ".parquet"
    assert PASSWORD not in said


@needs_orthanc
def test_a_pacs_that_does_not_know_who_asks_is_told_as_one(
    folder: Path, pacs: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", "/dev/null")
    code, said = go_on(write(folder, "stranger", of_volumes(pacs.url)))
    assert code == 2
    assert "401" in said
    assert "WARDROUND_DICOMWEB_TOKEN_FILE" in said


@needs_orthanc
def test_frames_and_studies_of_a_pacs_are_records_too(folder: Path, pacs: Orthanc) -> None:
    pacs.load(_series())
    query = f"query: {{SeriesInstanceUID: {SERIES}}}"
    assert go_on(write(folder, "frames", f"record: frame, uri: '{pacs.url}', {query}", "images"))[0] == 0
    frames = rows(folder / "frames")
    assert frames["status"].to_list() == ["ok"] * 8
    assert frames["record_id"].str.ends_with("#0").all()
    assert go_on(write(folder, "studies", of_volumes(pacs.url, f", {query}").replace("series", "study", 1)))[0] == 0
    assert rows(folder / "studies")["status"].to_list() == ["ok"]


def test_a_table_may_name_instances(tmp_path: Path) -> None:
    make_image_model(tmp_path / "images")
    with DicomWebServer([stored(one) for one in made(6)]) as service:
        lines = [f"{service.url}/{key}" for key in service.keys[:3]]
        (tmp_path / "work.csv").write_text("\n".join(["uri", *lines, lines[0] + "1", ""]))
        spec = write(tmp_path, "table", f"uri: {tmp_path / 'work.csv'}, roots: ['{service.url}']", "images")
        assert go_on(spec)[0] == 0
        assert not any("?" in target and "StudyInstanceUID" not in target for target in service.log)
        spec = write(tmp_path, "elsewhere", f"uri: {tmp_path / 'work.csv'}", "images")
        assert go_on(spec)[0] == 2
    assert rows(tmp_path / "table")["status"].to_list() == ["ok"] * 3 + ["missing"]


def test_what_one_instance_is_refused_for_is_its_own(tmp_path: Path) -> None:
    make_image_model(tmp_path / "images")
    row_limit = IMPATIENT.replace("outages: 1", "outages: 1, forbidden: row")
    with DicomWebServer([stored(one) for one in made(6)]) as service:
        first, second = service.keys[1], service.keys[4]
        faults = (Fault("403", f"{first}$", times=99), Fault("410", f"{second}$", times=99))
        service.use(*faults)
        assert go_on(write(tmp_path, "stops", f"uri: '{service.url}'", "images"))[0] == 4
        service.use(*faults)
        assert go_on(write(tmp_path, "goes-on", f"uri: '{service.url}'", "images", more=row_limit))[0] == 0
    expected = ["ok", "forbidden", "ok", "ok", "missing", "ok"]
    assert rows(tmp_path / "goes-on")["status"].to_list() == expected


def test_a_slice_that_is_gone_makes_its_series_incomplete(tmp_path: Path) -> None:
    make_model(tmp_path / "volumes")
    with DicomWebServer([stored(one) for one in made(8)]) as service:
        gone = next(key for key in service.keys if key.endswith(f"{SERIES}.4"))
        service.use(Fault("404", f"{gone}$", times=99))
        assert go_on(write(tmp_path, "gap", of_volumes(service.url)))[0] == 0
    found = dict(rows(tmp_path / "gap").select("record_id", "status").iter_rows())
    assert found == {SERIES: "incomplete_series", gone: "missing"}


@pytest.mark.parametrize("kind", ["500", "half", "html"])
def test_an_instance_that_never_comes_costs_its_own_row_and_stops_nobody(tmp_path: Path, kind: str) -> None:
    make_image_model(tmp_path / "images")
    with DicomWebServer([stored(one) for one in made(6)]) as service:
        service.use(Fault(kind, f"{service.keys[2]}$", times=999))
        code, said = go_on(write(tmp_path, "never", f"uri: '{service.url}'", "images"))
        assert code == 0, said
        found = rows(tmp_path / "never")
    assert found["status"].to_list() == ["ok", "ok", "unreadable", "ok", "ok", "ok"]
    assert "never this one" in found["detail"][2]
    assert service.keys[2] not in found["detail"][2]


@pytest.mark.parametrize("vendor", [DCM4CHEE, AWS, PLAIN], ids=lambda vendor: str(vendor.name))
def test_a_series_is_the_same_volume_whoever_serves_it(tmp_path: Path, vendor: Vendor) -> None:
    make_model(tmp_path / "volumes")
    (tmp_path / "series").mkdir()
    bodies = [stored(one) for one in made(8)]
    for number, body in enumerate(bodies):
        (tmp_path / "series" / f"{number}.dcm").write_bytes(body)
    assert go_on(write(tmp_path, "files", of_volumes(tmp_path / "series")))[0] == 0
    with VendorServer(bodies, vendor) as service:
        code, said = go_on(write(tmp_path, "served", of_volumes(service.url)))
        assert code == 0, said
    ours, theirs = (rows(tmp_path / name).drop("mask_nifti") for name in ("served", "files"))
    assert ours["status"].to_list() == ["ok"]
    assert ours.equals(theirs)


def test_a_slice_that_never_comes_makes_its_series_incomplete(tmp_path: Path) -> None:
    make_model(tmp_path / "volumes")
    with DicomWebServer([stored(one) for one in made(8)]) as service:
        never = next(key for key in service.keys if key.endswith(f"{SERIES}.4"))
        service.use(Fault("500", f"{never}$", times=999))
        code, said = go_on(write(tmp_path, "hole", of_volumes(service.url)))
        assert code == 0, said
    found = dict(rows(tmp_path / "hole").select("record_id", "status").iter_rows())
    assert found == {SERIES: "incomplete_series", never: "unreadable"}


def test_rows_do_not_go_into_a_service(tmp_path: Path) -> None:
    make_image_model(tmp_path / "images")
    spec = write(tmp_path, "out", "uri: /archive", "images")
    spec.write_text(
        spec.read_text().replace(f"output: {{uri: {tmp_path / 'out'}}}", "output: {uri: 'dicomweb+https://h/d'}")
    )
    code, said = go_on(spec)
    assert code == 2
    assert "output.uri is a DICOMweb service" in said


@pytest.mark.parametrize("kind", ["503", "404", "403", "401", "html", "half", "other", "500"])
def test_a_service_that_fails_in_the_middle_makes_no_row_and_the_same_command_goes_on(
    tmp_path: Path, kind: str
) -> None:
    make_image_model(tmp_path / "images")
    with DicomWebServer([stored(one) for one in made(6)]) as service:
        spec = write(tmp_path, "broken", f"uri: '{service.url}'", "images", ", shard_records: 2")
        if kind in ("404", "403", "401"):
            service.everything_after = (r"/instances/", kind, 2)
        else:
            service.use(Fault(kind, "/instances/", nth=3, times=999))
        code, said = go_on(spec)
        assert code == 4, said
        service.use()
        service.everything = service.everything_after = None
        assert go_on(spec)[0] == 0
    assert rows(tmp_path / "broken")["status"].to_list() == ["ok"] * 6


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("uri: 'dicomweb+https://u:p@h/d'", "credentials never stand in a spec"),
        ("uri: 'dicomweb+https://h/d?PatientID=7'", "input.query"),
        ("uri: 'dicomweb+https://h/d', query: {PatientId: '7'}", "did you mean 'PatientID'"),
        ("uri: 'dicomweb+https://h/d', query: {PatientID: 7}", "in quotes"),
        ("uri: 'dicomweb+https://h/d', query: {StudyDate: 2024-01}", "20240101-20240331"),
        ("uri: 'dicomweb+https://h/d', glob: '*'", "glob is not of a DICOMweb service"),
        ("uri: 'dicomweb+https://h/d', format: png", "format: png"),
        ("uri: /archive, query: {Modality: CT}", "query is of a DICOMweb service"),
    ],
)
def test_a_spec_that_is_wrong_says_how_to_mend_it(tmp_path: Path, source: str, words: str) -> None:
    make_image_model(tmp_path / "images")
    code, said = go_on(write(tmp_path, "wrong", source, "images"))
    assert code == 2, said
    assert words in said
    assert "u:p" not in said
