"""A prefix of many tiny objects on a real S3 server, filled once and kept."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3

BUCKET = "bench"
_THREADS = 8
_PER_FOLDER = 1_000


@contextmanager
def bucket_of(folder: Path, objects: int) -> Iterator[EmbeddedS3]:
    """A running server whose bucket has `objects` objects under `cxr/`."""
    filled = folder / "filled"
    with EmbeddedS3(folder / "server", BUCKET) as server:
        if not filled.exists():
            _fill(_filer_port(server), objects)
            filled.touch()
        yield server


def _fill(port: int, objects: int) -> None:
    """By SeaweedFS's filer, the layer below its S3 gateway: no signature to compute for each."""
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda first: _put(port, range(first, objects, _THREADS)), range(_THREADS)))


def _put(port: int, numbers: range) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in numbers:
        path = f"/buckets/{BUCKET}/cxr/{number // _PER_FOLDER:04d}/{number:07d}.png"
        connection.request("PUT", path, body=b"%d" % number)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"the filer answered {answer.status}")
    connection.close()


def _filer_port(server: EmbeddedS3) -> int:
    """As the server was told on its command line."""
    words = Path(f"/proc/{server.pid}/cmdline").read_text().split("\0")
    return int(next(word.partition("=")[2] for word in words if word.startswith("-filer.port=")))
