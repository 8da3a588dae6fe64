"""Scoring files as text, in pieces of bounded size, each row with as many fields as the header has names."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.genomics.scores.asked import NOTHING, Asked
from workers.genomics.scores.header import Header, read_header
from workers.genomics.scores.layout import Layout, are_names, headerless, read_layout
from workers.reading.gzip import InflationError, begins_as_gzip, in_blocks, inflated

MAX_INFLATED = 16 << 30
"""Bytes of one file. Seven million variants with every column of the Catalog are about one gigabyte."""
MAX_LINE = 4 << 20
"""Bytes; a table of a thousand scores has lines of 20 kB."""
_PIECE = 16 << 20
_MAX_TOP = 4096
"""Lines that begin with `#`."""

EXTRA = "_extra"
"""Whether a row has more fields than the header names."""
TAG = "_tag"


@dataclass(frozen=True)
class Top:
    """What stands above the rows."""

    header: Header
    layout: Layout
    separator: bytes


class TextTable:
    """One file, plain or gzipped, read once from its beginning. `top` is known at once."""

    def __init__(self, path: Path, asked: Asked = NOTHING, max_inflated: int = MAX_INFLATED) -> None:
        self._where = str(path)
        self._asked = asked
        self._blocks = read_blocks(path, max_inflated)
        self._rest = b""
        self.top = self._read_top()

    def pieces(self) -> Iterator[pl.DataFrame]:
        """All rows in order: a column of text by its place in the header (`"0"`, ...), null where a field is missing,
        with `EXTRA`. Empty lines are no rows. Columns of weights may be numbers already, as `text_frame` says.
        Raises SpecError where the file ends early or is damaged."""
        layout = self.top.layout
        for block in self._whole_lines():
            frame = text_frame(block, layout.width, self.top.separator, numbers=layout.weights)
            if frame.height:
                yield frame

    def whole(self, most: int) -> bytes | None:
        """All rows as they stand, without empty lines at the end; None where they are more than `most` bytes. Either
        is all that can be had of the file."""
        parts, size = [self._rest], len(self._rest)
        for block in self._blocks:
            parts.append(block)
            size += len(block)
            if size > most:
                return None
        return b"".join(parts).rstrip(b"\r\n")

    def _whole_lines(self) -> Iterator[bytes]:
        pending, size = [self._rest], len(self._rest)
        for block in self._blocks:
            cut = block.rfind(b"\n") + 1
            if size + cut >= _PIECE and cut:
                yield b"".join((*pending, block[:cut]))
                pending, size = [block[cut:]], len(block) - cut
            else:
                pending.append(block)
                size += len(block)
                if not cut and size > _PIECE + MAX_LINE:
                    raise SpecError(f"{self._where}: a line is longer than {MAX_LINE} bytes: it is no scoring file")
        yield b"".join(pending)

    def _read_top(self) -> Top:
        lines: list[str] = []
        while True:
            line, ended = self._line()
            line = line.removeprefix("\ufeff")
            if line.startswith("#") and len(lines) < _MAX_TOP:
                lines.append(line)
            elif line.strip() or ended:
                break
        names = line
        if lines and _is_names(lines[-1]):
            names = lines.pop()
            self._rest = line.encode() + b"\n" + self._rest
        if not names.strip():
            raise SpecError(f"{self._where}: holds no row of column names")
        if "\0" in names:
            raise SpecError(f"{self._where}: is no text in UTF-8 (UTF-16, or a workbook?): save it as text in UTF-8")
        header, separator = read_header(lines), separator_of(names)
        fields = split_names(names, separator)
        layout = headerless(fields)
        if layout is not None:
            self._rest = names.encode() + b"\n" + self._rest
        return Top(header, layout or read_layout(fields, self._where, self._asked), separator)

    def _line(self) -> tuple[str, bool]:
        """The next line and whether the file ended with it."""
        while (end := self._rest.find(b"\n")) < 0:
            block = next(self._blocks, None)
            if block is None:
                line, self._rest = self._rest, b""
                return line.decode("utf-8", "replace").rstrip("\r"), True
            self._rest += block
            if len(self._rest) > 2 * MAX_LINE:
                raise SpecError(f"{self._where}: a line is longer than {MAX_LINE} bytes: it is no scoring file")
        line, self._rest = self._rest[:end], self._rest[end + 1 :]
        return line.decode("utf-8", "replace").rstrip("\r"), False


def read_blocks(path: Path, max_inflated: int) -> Iterator[bytes]:
    """A file, inflated where it is gzipped. Raises SpecError where it is damaged or too large."""
    try:
        with path.open("rb") as file:
            is_packed = begins_as_gzip(file.peek(3))
            stored = in_blocks(file)
            yield from inflated(stored, max_inflated) if is_packed else stored
    except InflationError as error:
        raise SpecError(f"{path}: {error.detail}") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error


def _is_names(line: str) -> bool:
    """Whether a line with `#` is plink's way to write the names of columns."""
    bare = line.lstrip("#").strip()
    return not line.startswith("##") and "=" not in bare and are_names(split_names(bare, separator_of(bare)))


def separator_of(line: str) -> bytes:
    """A tab, a comma, or any run of blanks (which is given as one blank)."""
    return b"\t" if "\t" in line else b"," if "," in line else b" "


def split_names(line: str, separator: bytes) -> list[str]:
    """The fields of one line."""
    return line.split() if separator == b" " else line.split(separator.decode())


def text_frame(
    block: bytes,
    width: int,
    separator: bytes,
    tags: NDArray[np.int64] | None = None,
    numbers: Sequence[int] = (),
) -> pl.DataFrame:
    """Whole lines as columns of text `"0"`, `"1"`, ..., null where a field is empty, and `EXTRA`. A line without
    any field is none. `tags` is a number a line, which becomes column `TAG`. The columns `numbers` come as float64
    where every field of all of them is empty or a finite number."""
    # Line ends of Windows are cut to ours, so that no field ends in one, whoever reads it.
    block = block.replace(b"\r", b"")
    if separator == b" ":
        # Runs become one first: looking for those at line ends would try every long one from each of its blanks.
        block, separator = re.sub(rb"[ \t]+", b"\t", block), b"\t"
        block = re.sub(rb"(?m)^\t|\t$", b"", block)
    block = block.rstrip(b"\n")
    if not block:
        return pl.DataFrame()
    is_bare = b'"' not in block and b" " not in block
    frame = _numbered(block, width, separator, numbers) if numbers and is_bare else None
    frame = _regular(block, width, separator) if frame is None else frame
    is_ragged = frame is None
    if frame is None:
        frame = _ragged(block, width, separator)
    if tags is not None:
        frame = frame.with_columns(pl.Series(TAG, tags[: frame.height]))
    text = pl.col([str(i) for i in range(width)])
    if is_ragged or not is_bare:
        frame = frame.with_columns(text.str.strip_chars(' "')).with_columns(text.replace("", None))
    return frame.filter(pl.any_horizontal(text.is_not_null(), EXTRA))


def _numbered(block: bytes, width: int, separator: bytes, numbers: Sequence[int]) -> pl.DataFrame | None:
    """Without a text of every number: half of the time where there are many."""
    frame = _regular(block, width, separator, frozenset(numbers))
    held = pl.col([str(i) for i in numbers])
    is_finite = frame is not None and frame.select(pl.all_horizontal(held.is_finite().all())).item()
    return frame if is_finite else None


def _regular(block: bytes, width: int, separator: bytes, numbers: Collection[int] = frozenset()) -> pl.DataFrame | None:
    """The fields by the fast reader, where every line has its fields, and those of `numbers` are such; else None."""
    lines = block.count(b"\n") + 1
    # The fast reader would fill lines that are too short with nulls, and say nothing of it.
    if block.count(separator) != lines * (width - 1) or b"\n\n" in block:
        return None
    try:
        frame = pl.read_csv(
            block,
            has_header=False,
            separator=separator.decode(),
            quote_char=None,
            schema={str(i): pl.Float64 if i in numbers else pl.String for i in range(width)},
            encoding="utf8-lossy",
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.with_columns(pl.lit(False).alias(EXTRA)) if frame.height == lines else None


def _ragged(block: bytes, width: int, separator: bytes) -> pl.DataFrame:
    text = pl.Series(block.decode("utf-8", "replace").split("\n"), dtype=pl.String)
    fields = text.str.split(separator.decode())
    held = fields.list.slice(width, None).list.join("").str.strip_chars()
    columns = {str(i): fields.list.get(i, null_on_oob=True) for i in range(width)}
    return pl.DataFrame({**columns, EXTRA: held.str.len_bytes() > 0})
