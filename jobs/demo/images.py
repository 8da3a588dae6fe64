"""First act: a DICOM archive with everything that can be wrong with one, looked through for burned-in text."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from jobs.demo.stage_set import StageSet, package_folder, put_folder
from schemas.spec import Spec
from workers.images.formats.make_text_detector import make_text_detector_directory

SPEC = "demo.yaml"


def fill(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """Put pydicom's test files and the detector into the bucket; the spec that scores them."""
    files = put_folder(package_folder("pydicom", "images") / "data" / "test_files", stage.store("archive"))
    put_folder(make_text_detector_directory(stage.folder / "model"), stage.store("models/text-detector"))
    announce(f"{files} files of pydicom's test data are in its archive, broken ones among them")
    return stage.spec(SPEC)


def flagged(run: Path) -> int:
    """Images in which text was found."""
    rows = pl.read_parquet(run / "predictions/*.parquet", columns=["text_found"])
    return int(rows["text_found"].sum())


def look_lines(run: Path) -> list[str]:
    """Three lines of Python that show the result."""
    return [
        "import polars as pl",
        f'rows = pl.read_parquet("{run / "predictions/*.parquet"}")',
        'print(rows.filter(pl.col("text_found")).select("record_id", "Modality", "text_regions", "text_score"))',
    ]
