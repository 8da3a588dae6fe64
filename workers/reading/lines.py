"""The content of a text file, plain or gzip, forward and in small blocks, and its lines."""

from collections.abc import Iterator
from typing import NamedTuple

from cluster.storage import Store
from workers.reading.gzip import InflationError, inflated, is_gzip

BLOCK = 1 << 20


def blocks(store: Store, key: str, size: int, etag: str | None, start: int = 0) -> Iterator[bytes]:
    """The content from byte `start`, inflated where the name ends in .gz (`start` then has to be 0).

    Raises ObjectMissing, ObjectChanged; InflationError after all that could be inflated.
    """
    stored = (store.get(key, at, min(BLOCK, size - at), if_etag=etag) for at in range(start, size, BLOCK))
    return inflated(stored) if is_gzip(key) else stored


class Line(NamedTuple):
    """One line with its line break. `start` is its byte in the inflated file, `number` counts from 1.

    `data` is None where the line is longer than the limit; then `size` is its length, or None where nothing can be told
    of what follows `start`, as where the file is damaged, which `damage` says.
    """

    start: int
    size: int | None
    number: int
    data: bytes | None
    damage: InflationError | None = None


def lines(content: Iterator[bytes], limit: int) -> Iterator[Line]:
    """The lines of a file; of a longer one than `limit` bytes nothing is held."""
    held: list[bytes] = []
    at = length = 0
    number = 1
    try:
        for block in content:
            begin = 0
            while (end := block.find(b"\n", begin)) >= 0:
                end += 1
                length += end - begin
                yield _line(at, length, number, [*held, block[begin:end]] if held else [block[begin:end]], limit)
                held, at, length, number, begin = [], at + length, 0, number + 1, end
            length += len(block) - begin
            held = [*held, block[begin:]] if length <= limit else []
    except InflationError as damage:
        yield Line(at, None, number, None, damage)
        return
    if length:
        yield _line(at, length, number, held, limit)


def _line(start: int, size: int, number: int, parts: list[bytes], limit: int) -> Line:
    return Line(start, size, number, None if size > limit else b"".join(parts))
