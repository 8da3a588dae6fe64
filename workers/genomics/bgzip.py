"""Files in blocks of gzip that can be indexed, written by htslib."""

from collections.abc import Iterable
from pathlib import Path

from schemas.errors import MissingExtraError


def write_bgzip(path: Path, pieces: Iterable[bytes], level: int = 6) -> None:
    """Compress what comes, in order. `level` is zlib's, 1 to 9. Raises MissingExtraError."""
    try:
        import pysam  # noqa: PLC0415 - of an extra
    except ImportError:
        raise MissingExtraError("pysam", "genomics") from None
    with pysam.BGZFile(str(path), f"wb{level}") as out:
        for piece in pieces:
            out.write(piece)
