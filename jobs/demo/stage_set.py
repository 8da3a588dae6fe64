"""What every demo needs: a folder of its own, a real S3 server in it, and copies of what was written."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, Store, open_store
from schemas.errors import MissingExtraError, UsageError
from schemas.spec import Spec, load_spec

BUCKET = "demo"
_MARK = "demo.yaml"
"""The file by which a folder is known as a demo's output."""
_SPECS = Path(__file__).parents[1] / "specs"
_PUTS = 16


@dataclass(frozen=True)
class StageSet:
    """The folder of a demo, and the server that runs in it."""

    folder: Path
    endpoint_url: str

    def store(self, prefix: str) -> Store:
        """A prefix of the demo's bucket."""
        return open_store(f"s3://{BUCKET}/{prefix}", StorageSettings(endpoint_url=self.endpoint_url))

    def spec(self, name: str) -> Spec:
        """One of the example specs, for this server; a copy of its text stays in the folder."""
        path = self.folder / name
        text = (_SPECS / name).read_text(encoding="utf-8")
        path.write_text(f'{text}storage: {{endpoint_url: "{self.endpoint_url}"}}\n', encoding="utf-8")
        return load_spec(path)


@contextmanager
def set_up(folder: Path) -> Iterator[StageSet]:
    """Start the server, with its credentials in the environment. It ends with the block.

    What an earlier demo left in `folder` is removed first. Raises UsageError if something else lies there.
    """
    _clean(folder)
    before = dict(os.environ)
    with EmbeddedS3(folder / "s3", BUCKET) as server:
        os.environ.update(server.environment)
        try:
            yield StageSet(folder, server.endpoint_url)
        finally:
            os.environ.clear()
            os.environ.update(before)


def put_folder(folder: Path, store: Store) -> int:
    """Every file below `folder` as an object. Returns how many."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    with ThreadPoolExecutor(_PUTS) as pool:
        list(pool.map(lambda path: store.put(path.relative_to(folder).as_posix(), path, {}), paths))
    return len(paths)


def kept(stage: StageSet, prefix: str, name: str) -> Path:
    """A copy of what lies under a prefix, as folder `name`: it can be read after the server has stopped."""
    store, folder = stage.store(prefix), stage.folder / name
    infos = list(store.list())
    for info in infos:
        (folder / info.key).parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_PUTS) as pool:
        list(pool.map(lambda info: store.download(info.key, folder / info.key), infos))
    return folder


def package_folder(package: str, extra: str) -> Path:
    """Where an installed package lies, found without importing it. Raises MissingExtraError."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise MissingExtraError(package, extra)
    return Path(found.origin).parent


def _clean(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise UsageError(f"{str(folder)!r} holds something that is no demo's output: choose another with --output")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text("# A demo's output: the next demo removes it.\n", encoding="utf-8")
