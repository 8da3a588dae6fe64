"""A whole run on this machine: a real S3 server, an archive with everything that can be wrong with one, two workers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, Store, open_store
from schemas.errors import MissingExtraError, UsageError
from workers.formats.rapidocr_package import make_text_detector_directory

BUCKET = "demo"
SPEC = "demo.yaml"
ROWS = "run/predictions/*.parquet"
_EXAMPLE = Path(__file__).parent / "specs" / SPEC
_PUTS = 16


@contextmanager
def environment(folder: Path, announce: Callable[[str], None]) -> Iterator[Path]:
    """Start the server, fill it, and write the spec, whose path it gives. The server ends with the block.

    What an earlier demo left in `folder` is removed first. Raises UsageError if something else lies there.
    """
    _clean(folder)
    before = dict(os.environ)
    with EmbeddedS3(folder / "s3", BUCKET) as server:
        announce(f"an S3 server listens at {server.endpoint_url}")
        os.environ.update(server.environment)
        try:
            settings = StorageSettings(endpoint_url=server.endpoint_url)
            files = put_folder(_packaged_images(), open_store(f"s3://{BUCKET}/archive", settings))
            model = make_text_detector_directory(folder / "model")
            put_folder(model, open_store(f"s3://{BUCKET}/models/text-detector", settings))
            announce(f"{files} files of pydicom's test data are in its archive, broken ones among them")
            yield _write_spec(folder, server.endpoint_url)
        finally:
            os.environ.clear()
            os.environ.update(before)


def put_folder(folder: Path, store: Store) -> int:
    """Every file below `folder` as an object. Returns how many."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    with ThreadPoolExecutor(_PUTS) as pool:
        list(pool.map(lambda path: store.put(path.relative_to(folder).as_posix(), path, {}), paths))
    return len(paths)


def keep(store: Store, folder: Path) -> None:
    """Copy a run directory to this disk, where it can be read after the server has stopped."""
    infos = list(store.list())
    for info in infos:
        (folder / info.key).parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_PUTS) as pool:
        list(pool.map(lambda info: store.download(info.key, folder / info.key), infos))


def flagged(folder: Path) -> int:
    """Images in which text was found."""
    rows = pl.read_parquet(folder / ROWS, columns=["text_found"])
    return int(rows["text_found"].sum())


def look_lines(folder: Path) -> list[str]:
    """Three lines of Python that show the result."""
    return [
        "import polars as pl",
        f'rows = pl.read_parquet("{folder / ROWS}")',
        'print(rows.filter(pl.col("text_found")).select("record_id", "Modality", "text_regions", "text_score"))',
    ]


def _clean(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / SPEC).exists():
            raise UsageError(f"{str(folder)!r} holds something that is no demo's output: choose another with --output")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_spec(folder, "")


def _write_spec(folder: Path, endpoint: str) -> Path:
    path = folder / SPEC
    storage = f'storage: {{endpoint_url: "{endpoint}"}}\n' if endpoint else ""
    path.write_text(_EXAMPLE.read_text(encoding="utf-8") + storage, encoding="utf-8")
    return path


def _packaged_images() -> Path:
    """The test data in the installed pydicom: found by its place, since decoders are imported in workers only."""
    found = find_spec("pydicom")
    if found is None or found.origin is None:
        raise MissingExtraError("pydicom", "images")
    return Path(found.origin).parent / "data" / "test_files"
