"""Whether a run may write where `output.uri` says, found out before anything is written."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cluster.storage import is_inside, parse
from schemas.errors import SpecError
from schemas.spec import Spec, is_shown


def check_output_place(spec: Spec) -> None:
    """Raise SpecError where the output lies in the input or in a model, or where no folder can be.

    With a table as input only the files that it lists are read, so the output may lie beside them.
    """
    uri = spec.output.uri
    if parse(uri).is_service:
        raise SpecError("output.uri is a DICOMweb service, which is read and not written to: name a path or s3://")
    for key, source in _places(spec.input):
        if is_inside(uri, [source]):
            why = "the run would read its own rows" if key == "uri" else "two runs would be one directory"
            raise SpecError(f"output.uri lies inside input.{key}: {why}. Choose another output.uri")
    for name, ref in spec.models.items():
        if is_inside(uri, [ref.uri]):
            raise SpecError(
                f"output.uri lies inside models.{name}.uri: the run would be among the files of the model and "
                "change its digest. Choose another output.uri"
            )
    if parse(uri).scheme == "file":
        _check_folder(parse(uri).path.rstrip("/"))


def _places(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a run reads, by key: records, a run that is evaluated, another that it is compared with, and weights."""
    compared = source.get("compare")
    found = {name: source.get(name) for name in ("uri", "run", "start")}
    found["compare.run"] = compared.get("run") if isinstance(compared, Mapping) else None
    yield from ((key, place) for key, place in found.items() if isinstance(place, str) and place)


def _check_folder(path: str) -> None:
    """The folder need not be there; what is there above it must be one."""
    if not is_shown(path):
        raise SpecError("output.uri stands for a name with characters that cannot be shown: choose another name")
    if not path:
        raise SpecError("output.uri is the root of this machine's disk: a run needs a folder of its own, name one")
    if (length := len(os.fsencode(path))) > _LONGEST_PATH:
        raise SpecError(
            f"output.uri: a path cannot be longer than {_LONGEST_PATH:,} bytes, it has {length:,}: shorten it"
        )
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.split("/")):
        raise SpecError(f"output.uri: a folder cannot have a name longer than {_LONGEST_NAME} bytes: shorten it")
    while path and not os.path.lexists(path):
        path = os.path.dirname(path)
    if path and os.path.exists(path) and not os.path.isdir(path):
        raise SpecError(f"output.uri: {path!r} is a file, and a run needs a folder of its own: choose another place")


@contextmanager
def no_empty_folders(uri: str) -> Iterator[None]:
    """Take folders away that were made for a run of which nothing came to lie there, as where its input is empty."""
    path = parse(uri).path.rstrip("/") if parse(uri).scheme == "file" else ""
    made = []
    while path and not os.path.lexists(path):
        made.append(path)
        path = os.path.dirname(path)
    try:
        yield
    except BaseException:
        for folder in made:
            try:
                os.rmdir(folder)
            except OSError:
                # Something lies there, or another driver was as tidy.
                break
        raise


_LONGEST_NAME = 255
"""NAME_MAX of the file systems that matter."""
_LONGEST_PATH = 4096 - 256
"""PATH_MAX, with room for the names of what a run writes."""
