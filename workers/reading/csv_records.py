"""CSV (RFC 4180): where its records begin and end, in bounded memory, and what is in them.

Where records end is found here, byte by byte as the `csv` module of Python would, since that does not tell; what is in
them is left to it. One rule holds in every collection: an empty field without quotes is null, one with quotes is empty
text; `NA` and `null` are names like others.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from schemas.errors import SpecError
from workers.reading.gzip import InflationError
from workers.reading.lines import Line

_QUOTE, _BREAK = b'"', b"\n"

# The module's own limit is for the whole process and far below a long note; here `csv_records` bounds a record.
csv.field_size_limit(2**31 - 1)


def delimiter_of(name: str, given: str | None = None) -> str:
    """What separates fields: as the spec has it, else by the name of the file."""
    return given or ("\t" if ".tsv" in name.lower() else ",")


def fields_of(record: str, delimiter: str, *, strict: bool = False) -> list[str | None]:
    """The fields of one record, null where one is empty and has no quotes.

    Raises csv.Error; with `strict` also for text behind a closing quote.
    """
    fields: list[str | None] = list(next(csv.reader((record,), delimiter=delimiter, strict=strict), ()))
    return nulled(fields, record, delimiter) if "" in fields else fields


def fields_of_each(
    records: Iterable[str], delimiter: str, *, strict: bool = False
) -> Iterator[tuple[str, list[str | None] | None]]:
    """Each record with its fields as `fields_of` has them, None where it is not CSV: by one parser for all of them."""
    record = ""

    def taken() -> Iterator[str]:
        nonlocal record
        for text in records:
            record = text
            yield text

    parser = csv.reader(taken(), delimiter=delimiter, strict=strict)
    while True:
        try:
            fields: list[str | None] | None = list(next(parser))
        except StopIteration:
            return
        except csv.Error:
            fields = None
        yield record, nulled(fields, record, delimiter) if fields and "" in fields else fields


def nulled(fields: list[str | None], record: str, delimiter: str) -> list[str | None]:
    """The same fields with null for each empty one that has no quotes in `record`, which the `csv` module drops."""
    # An empty field with quotes has two of them side by side: without such a pair every empty field is null.
    if '""' not in record:
        return [field or None for field in fields]
    quoted = _are_quoted(record, delimiter)
    return [field or ("" if is_quoted else None) for field, is_quoted in zip(fields, quoted, strict=True)]


def header_names(fields: Sequence[str | None], of: str = "input.uri") -> tuple[str, ...]:
    """The names in a header of a file that the key `of` names. Raises SpecError where two columns have one name."""
    names = tuple(name or "" for name in fields)
    if (name := doubled(names)) is not None:
        raise SpecError(f"a CSV file of {of} has two columns {name!r}: rename one")
    return names


def doubled(names: Iterable[str]) -> str | None:
    """The first, by alphabet, of the names that come twice."""
    return min((name for name, times in Counter(names).items() if times > 1), default=None)


def _are_quoted(record: str, delimiter: str) -> list[bool]:
    """Whether each field begins with a quote."""
    quoted: list[bool] = []
    place = 0
    while True:
        quoted.append(record.startswith('"', place))
        if quoted[-1]:
            place = record.find('"', place + 1) + 1
            while record.startswith('"', place):
                place = record.find('"', place + 1) + 1
        end = record.find(delimiter, place)
        if end < 0:
            return quoted
        place = end + 1


def csv_records(content: Iterator[bytes], delimiter: bytes, limit: int) -> Iterator[Line]:
    """The records of a file with their line breaks; `number` is that of the first line.

    `data` is None, and `size` too, where a quote is open when the content ends, is damaged, or `limit` is passed: what
    follows cannot be told apart. Without an open quote a record longer than `limit` has its size, and no data.
    """
    buffer = _Buffer(content)
    start, number, is_open = 0, 1, False
    while not buffer.ended:
        buffer.grow()
        at, quote = 0, -2
        while True:
            # Looked for once for all the records that have none before it.
            if quote != -1 and quote < at:
                quote = buffer.held.find(_QUOTE, at)
            end, is_open, breaks = buffer.held.find(_BREAK, at) + 1, False, 1
            if quote >= 0 and not at < end <= quote:
                end, is_open = record_end(buffer.held, at, delimiter)
                breaks = buffer.held.count(_BREAK, at, end)
            if end <= 0:
                break
            size = end - at
            yield Line(start, size, number, buffer.held[at:end] if size <= limit else None)
            start, number, at = start + size, number + breaks, end
        buffer.held = buffer.held[at:]
        if not is_open and not buffer.ended and len(buffer.held) > limit:
            size = buffer.skip_line()
            yield Line(start, size, number, None)
            start, number = start + size, number + 1
        elif is_open and len(buffer.held) > limit:
            break
    if is_open or buffer.damage:
        yield Line(start, None, number, None, buffer.damage)
    elif buffer.held:
        yield Line(start, len(buffer.held), number, buffer.held if len(buffer.held) <= limit else None)


def record_end(data: bytes, at: int, delimiter: bytes) -> tuple[int, bool]:
    """Where the record that begins at `at` ends, behind its line break; -1 if not in `data`, and if a quote is open.

    A quote opens a field only at its start; inside, two stand for one. Anywhere else it is a character like others.
    """
    place = at
    can_open = True
    line_break = -2
    while True:
        quote = data.find(_QUOTE, place)
        if line_break < place and line_break != -1:
            line_break = data.find(_BREAK, place)
        if quote < 0 or 0 <= line_break < quote:
            return (line_break + 1 if line_break >= 0 else -1), False
        opens = (can_open and quote == place) or data[quote - 1 : quote] == delimiter
        place = quote + 1
        can_open = False
        if opens:
            closing = data.find(_QUOTE, place)
            if closing < 0:
                return -1, True
            # A quote right behind this one goes on with the field.
            place, can_open = closing + 1, True


class _Buffer:
    """What was read of a file and not used yet. `ended`: no more comes; `damage`: though more should have."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self.held = b""
        self.ended = False
        self.damage: InflationError | None = None
        self._content = content

    def grow(self) -> None:
        """Read as much again, so that a long record is not looked through anew for each block."""
        parts, size = [self.held], 0
        while not self.ended and size <= len(self.held):
            parts.append(self._block())
            size += len(parts[-1])
        # Joined once: a record that spans many blocks would be copied anew for each.
        self.held = b"".join(parts)

    def skip_line(self) -> int:
        """Drop the rest of the line that `held` begins, a block at a time. Returns the length of all of it."""
        size = 0
        while (end := self.held.find(_BREAK)) < 0 and not self.ended:
            size += len(self.held)
            self.held = self._block()
        end = len(self.held) if end < 0 else end + 1
        self.held = self.held[end:]
        return size + end

    def _block(self) -> bytes:
        try:
            block = next(self._content, None)
        except InflationError as damage:
            block, self.damage = None, damage
        self.ended = block is None
        return block or b""
