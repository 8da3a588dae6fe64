"""The encoder of a spaCy pipeline: all the work is done ahead, in child processes, one a core.

spaCy holds the GIL. A child costs no more processor time than spaCy in the reading thread would, loads no torch, and
what crashes or hangs there costs one note.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.status import Fault, Status
from workers.children.child_pool import ChildPool
from workers.children.contract import Request, Result
from workers.contract import Encoded
from workers.ehr.notes.formats.spacy.analysis import BATCH
from workers.ehr.notes.formats.spacy.step import PUNKT, STEP, LanguageStep

_BATCH_CHARS = 60_000
_SMALLEST_BATCH = 8
_BATCH_TIMEOUT_S = 600.0
_ENTRY = "workers.ehr.notes.formats.spacy.analysis:build"

_BYTES_AN_ENTITY = 600
_BYTES_A_TOKEN = 300
"""What an entity and a token take as Python objects, roughly."""


class SpacyEncoder:
    """Implements TextEncoder. A batch that ends its process is tried note by note."""

    def __init__(self, directory: Path, step: LanguageStep, cpus: float, punkt: str = "") -> None:
        """`punkt`: the digest of its data, where the step uses them. What loading raises comes with the first texts."""
        settings = {"directory": str(directory), STEP: step.model_dump(mode="json"), PUNKT: punkt}
        self.helper_seconds = 0.0
        self._children = max(1, int(cpus))
        self._pool = ChildPool(_ENTRY, settings, self._children, record_timeout_s=_BATCH_TIMEOUT_S)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """What the pipeline found in each text; the texts are shared out among the children."""
        share = -(-len(texts) // self._children)
        parts = list(batches(texts, max(_SMALLEST_BATCH, min(BATCH, share))))
        encoded: list[Encoded] = []
        for part, result in zip(parts, self._results(parts), strict=True):
            encoded.extend(_encoded(result) if result.status is None else self._one_by_one(part))
        return encoded

    def _results(self, parts: Sequence[Sequence[str]]) -> Iterator[Result]:
        for future in [self._pool.submit([_request(part)]) for part in parts]:
            (result,) = future.result()
            self.helper_seconds += result.seconds
            yield result

    def _one_by_one(self, texts: Sequence[str]) -> Iterator[Encoded]:
        for result in self._results([[text] for text in texts]):
            if result.status is None:
                yield from _encoded(result)
            else:
                yield Encoded(None, fault=Fault(Status(result.status), result.detail))

    def close(self) -> None:
        """Kill the children."""
        self._pool.close()


def batches(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """Texts in order, in parts of at most so many and, several together, at most `_BATCH_CHARS` characters."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) == most or size + len(text) > _BATCH_CHARS):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _request(texts: Sequence[str]) -> Request:
    bodies = [text.encode("utf-8", "surrogatepass") for text in texts]
    return Request(b"".join(bodies), {"sizes": [len(body) for body in bodies]})


def _encoded(result: Result) -> Iterator[Encoded]:
    for note in result.meta["notes"]:
        if "values" in note:
            yield Encoded(note["values"], _size(note["values"]))
        else:
            yield Encoded(None, fault=Fault(Status(note["status"]), note["detail"]))


def _size(values: Mapping[str, Any]) -> int:
    spans = len(values.get("tokens", ())) + len(values.get("sentences", ()))
    return 200 + _BYTES_AN_ENTITY * len(values["entities"]) + _BYTES_A_TOKEN * spans
