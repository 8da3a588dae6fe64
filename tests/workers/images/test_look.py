"""Facts about planned images for `wardround plan`: by their headers, wherever they lie."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.status import Status
from tests.support.dicom_files import shipped
from workers.images import look as looking
from workers.images.look import look
from workers.images.planning import ImageRecords
from workers.images.preflight import Preflight
from workers.images.settings import ImagesInput

PNG = cv2.imencode(".png", np.zeros((4, 5), np.uint8))[1].tobytes()


def looked(uri: Path, **more: Any) -> Preflight:
    source = ImagesInput.model_validate({"collection": "images", "uri": str(uri), **more})
    records = ImageRecords(source, StorageSettings())
    return look([pa.Table.from_batches(records.batches(), records.schema)], records)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two DICOM images, one DICOM object without pixels, two PNG, a letter."""
    for name in ("CT_small.dcm", "JPEG2000.dcm", "rtplan.dcm"):
        (tmp_path / name).write_bytes(shipped(name))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "letter.txt").write_text("no image")
    return tmp_path


def test_objects_are_counted_by_format_syntax_and_what_would_be_refused(archive: Path) -> None:
    found = looked(archive)
    assert found.read == 6
    assert found.formats == {"dicom": 3, "png": 2}
    assert found.transfer_syntaxes["JPEG 2000"] == 1
    assert found.undecodable == {}
    assert found.refused == {Status.NO_PIXELS: 1, Status.UNREADABLE: 1}


def test_counts_of_all_parts_are_added_and_the_most_frequent_comes_first(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = looked(archive)
    monkeypatch.setattr(looking, "_AT_ONCE", 1)
    assert looked(archive) == whole
    assert list(whole.formats) == ["dicom", "png"]


def test_images_in_a_column_are_looked_at_too_and_a_null_is_empty(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"record_id": ["1", "2", "3"], "png": pa.array([PNG, None, b"no image"])}), tmp_path / "i.parquet"
    )
    found = looked(tmp_path, bytes_column="png")
    assert (found.read, found.formats) == (3, {"png": 1})
    assert found.refused == {Status.EMPTY: 1, Status.UNREADABLE: 1}


def test_an_object_of_a_table_that_is_gone_or_lies_elsewhere_is_refused_by_its_status(archive: Path) -> None:
    (archive.parent / "secret.png").write_bytes(PNG)
    (archive / "link.png").symlink_to(archive.parent / "secret.png")
    table = archive / "images.csv"
    table.write_text("record_id,uri\n1,a.png\n2,gone.png\n3,link.png\n")
    assert looked(table).refused == {Status.MISSING: 1, Status.UNSUPPORTED: 1}


def test_an_attribute_that_dicom_does_not_know_is_told_with_the_nearest(archive: Path) -> None:
    with pytest.raises(SpecError, match=r"'PatientIDD'.*did you mean 'PatientID'"):
        looked(archive, format="dicom", carry=["PatientIDD"])
    assert looked(archive, format="dicom", carry=["PatientID"]).read == 6
