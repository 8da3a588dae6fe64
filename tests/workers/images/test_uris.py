"""Uris of a table in every spelling: the object beside the table, once, and never one of the working directory."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.images.collection import _expand
from workers.images.planning import ImageRecords
from workers.images.settings import ImagesInput
from workers.images.uris import canonical

PICTURE = b"x"


def planned(table: Path, **more: object) -> list[dict[str, object]]:
    source = ImagesInput.model_validate({"collection": "images", "uri": str(table), **more})
    return pa.Table.from_batches(ImageRecords(source, StorageSettings()).batches()).to_pylist()


def table(folder: Path, *uris: str, ids: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    rows = "".join(f'{number},"{uri}"\n' if ids else f'"{uri}"\n' for number, uri in enumerate(uris))
    (folder / "images.csv").write_text(("record_id,uri\n" if ids else "uri\n") + rows)
    return folder / "images.csv"


@pytest.mark.parametrize(
    "written",
    [
        "x.npy",
        "./x.npy",
        "././x.npy",
        "sub/../x.npy",
        "sub//../x.npy",
        "ROOT/x.npy",
        "ROOT//x.npy",
        "ROOT/./x.npy",
        "//ROOT/x.npy",
        "ROOT/sub/../x.npy",
        "file://ROOT/x.npy",
        "file://localhostROOT/x.npy",
        "FILE://ROOT/x.npy",
        "file:ROOT/x.npy",
        "file://ROOT/%78.npy",
        "file://ROOT/./x.npy",
    ],
)
def test_every_spelling_of_a_file_is_that_file(tmp_path: Path, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "archive"
    (folder / "sub").mkdir(parents=True)
    (folder / "x.npy").write_bytes(PICTURE)
    monkeypatch.chdir(tmp_path)
    # Each beside a relative and an absolute one: a batch of one kind took another way.
    uris = [written.replace("ROOT", str(folder)), "y.npy", f"{folder}/z.npy", f"file://{folder}/w.npy"]
    found = [row["uri"] for row in planned(table(folder, *uris))]
    assert found == [f"{folder}/{name}.npy" for name in "xyzw"]


@pytest.mark.parametrize("name", ["100%.png", "a b.png", "a#1.png", "q?x=1.png", "%41.png", "a:b.png", "~.png"])
def test_names_are_literal(tmp_path: Path, name: str) -> None:
    found = [row["uri"] for row in planned(table(tmp_path, name, f"./{name}x", f"{tmp_path}/{name}y"))]
    assert found == [f"{tmp_path}/{name}", f"{tmp_path}/{name}x", f"{tmp_path}/{name}y"]


def test_letters_are_not_composed_or_taken_apart(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "./bild-ü.png") for form in ("NFC", "NFD")]
    found = [row["uri"] for row in planned(table(tmp_path, *names))]
    assert found == [f"{tmp_path}/{name[2:]}" for name in names]
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "written", ["../x.npy", "/etc/passwd", "sub/../../x.npy", "file:///etc/passwd", "file://host/x", "http://h/x", "s3://b/x",
                "file://ROOT/%FF.png", "file:x.npy/.."],
)  # fmt: skip
def test_what_lies_elsewhere_or_is_no_uri_is_refused_by_its_row(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "archive"
    with pytest.raises(SpecError, match="the uri in row 2 of the table"):
        planned(table(folder, "x.npy", written.replace("ROOT", str(folder)), "y.npy"))


def test_a_root_that_is_named_may_be_climbed_to_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    (row,) = planned(table(tmp_path / "tables", "../link/x.npy"), roots=[str(tmp_path / "link")])
    assert row["uri"] == f"{tmp_path}/link/x.npy"


@pytest.mark.parametrize("written", ["./x.npy", "ROOT/x.npy", "ROOT//x.npy", "file://ROOT/x.npy", "x.npy"])
def test_nobody_is_counted_twice_under_two_spellings(tmp_path: Path, written: str) -> None:
    with pytest.raises(SpecError, match="rows 2 and 4 of the table name the same object"):
        planned(table(tmp_path, "a.npy", "x.npy", "b.npy", written.replace("ROOT", str(tmp_path)), ids=False))
    # With ids of the table's own they are two records.
    assert len(planned(table(tmp_path, "a.npy", "x.npy", "b.npy", written.replace("ROOT", str(tmp_path))))) == 4


def test_two_frames_of_one_object_are_no_doubles(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("uri,member\nx.dcm,0\n./x.dcm,1\n")
    assert [row["member"] for row in planned(tmp_path / "images.csv")] == [0, 1]


def test_keys_of_s3_are_literal_and_relative_ones_are_steps() -> None:
    uris = pa.array(["a.png", "./b.png", "c/../d.png", "e//f.png", "s3://bucket/in//g.png", "S3://bucket/in/h.png"])
    found = canonical(uris, "s3://bucket/in", ["s3://bucket/in"], 0).to_pylist()
    names = ["a.png", "b.png", "d.png", "e//f.png", "/g.png", "h.png"]
    assert found == [f"s3://bucket/in/{name}" for name in names]
    with pytest.raises(SpecError, match="row 8"):
        canonical(pa.array(["a.png", "../../x.png"]), "s3://bucket/in", ["s3://bucket/in"], 6)


def test_a_relative_uri_is_never_a_file_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.npy").write_bytes(PICTURE)
    monkeypatch.chdir(elsewhere)
    found = planned(table(folder, "x.npy", f"file://{folder}/y.npy"))
    assert [row["uri"] for row in found] == [f"{folder}/x.npy", f"{folder}/y.npy"]
    assert not os.path.exists(str(found[0]["uri"]))


def test_an_object_whose_name_reads_like_a_frame_has_an_id_of_its_own() -> None:
    names = ["a.dcm", "a.dcm#1", "a.dcm#", "b.dcm#2", "c.dcm"]
    records = pa.table({
        "record_id": names,
        "subject_id": pa.nulls(5, pa.string()),
        "uri": names,
        "member": pa.nulls(5, pa.int64()),
    })  # fmt: skip
    ids = _expand(records, pa.array([3, 0, 0, 2, 0]).to_numpy())["record_id"].to_pylist()
    expected = ["a.dcm#0", "a.dcm#1", "a.dcm#2", "a.dcm#1#", "a.dcm##", "b.dcm#2#0", "b.dcm#2#1", "c.dcm"]
    assert ids == expected
    assert len(set(ids)) == len(ids)
