"""A small picture of a record, for the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thumbnail:
    """`png` is its bytes, `rows` and `columns` its size in pixels."""

    png: bytes
    rows: int
    columns: int
