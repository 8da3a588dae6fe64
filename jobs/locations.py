"""Paths in a spec, made absolute: relative ones are from the folder that the spec lies in."""

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from pydantic import BaseModel

from cluster.storage import AccessRefusedError, parse
from jobs.registry import job_kind
from schemas.errors import MissingExtraError, PluginError, SpecError
from schemas.location import with_locations
from schemas.spec import Spec
from workers.lookup import Room
from workers.prepare_list import StepTable

_OTHER_KEY = re.compile(r"\binput\.(?!uri\b|glob\b|format\b|roots\b)\w")
_INPUT = re.compile(r"\binput\b")
_ONE_SLASH = re.compile(r"^(s3|file|gs|https?):/(?!/)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)")


def located(spec: Spec, folder: str) -> Spec:
    """The same spec with every path in it absolute. `folder`: of the spec, a path or an `s3://` uri.

    Raises SpecError for a path with a variable of a shell in it, or a home directory that is not there.
    """
    change = partial(absolute, folder)
    return spec.model_copy(
        update={
            "input": _input(spec, change),
            "models": {
                name: ref.model_copy(update={"uri": _told(f"models.{name}.uri", change, ref.uri)})
                for name, ref in spec.models.items()
            },
            "output": spec.output.model_copy(update={"uri": _told("output.uri", change, spec.output.uri)}),
            "prepare": None if spec.prepare is None else tuple(_steps(spec, change)),
        }
    )


@contextmanager
def naming_input(spec: Spec) -> Iterator[None]:
    """An error about the input names its uri as well: a message of a collection or a store names the key alone."""
    try:
        yield
    except (SpecError, AccessRefusedError) as error:
        uri, text = spec.input.get("uri"), str(error)
        # Where access is refused, a message names the folder alone.
        folder = uri.rpartition("/")[0] if isinstance(uri, str) and isinstance(error, AccessRefusedError) else ""
        if not isinstance(uri, str) or uri.rstrip("/") in text or not _is_about_input(text, folder):
            raise
        glob = f", input.glob is {spec.input['glob']!r}" if "no records" in text and spec.input.get("glob") else ""
        raise type(error)(f"{text} (input.uri is {uri!r}{glob})") from None


def _is_about_input(text: str, folder: str) -> bool:
    # Another key of the input, such as input.reference, names another file; a model or a step has a name of its own.
    if _OTHER_KEY.search(text) or text.startswith(("model ", "prepare")):
        return False
    return _INPUT.search(text) is not None or (folder != "" and folder in text)


def local_paths(spec: Spec) -> list[str]:
    """Every path of a spec that leads to a disk of the machine that follows it: `s3://` is the same everywhere."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _input(spec, note)
    _steps(spec, note)
    named = [*found, *(ref.uri for ref in spec.models.values()), spec.output.uri]
    return [text for text in dict.fromkeys(named) if text and "\0" not in text and is_local(text)]


def is_local(text: str) -> bool:
    """Whether a path or uri lies on a disk or mount."""
    return "://" not in text or text.lower().startswith("file://")


def refuse_elsewhere(spec: Spec) -> None:
    """Raise SpecError where paths of a spec are for this machine, and the run is not."""
    if paths := local_paths(spec):
        raise SpecError(
            f"{len(paths)} paths of the spec ({paths[0]!r} first) lie on this machine, and the cluster is another: its "
            "nodes would read and write their own disks. Use s3:// uris, or say compute.shared_paths: true where each "
            "path leads to one and the same mount on every node"
        )


def absolute(folder: str, text: str) -> str:
    """`text` as it stands if it is a uri or an absolute path; else its place under `folder`, or in a home directory."""
    if not text or "\0" in text:
        raise SpecError("is empty or has a NUL character in it: write a path or a uri")
    place = parse(text).path if text.lower().startswith("file://") else text
    if any("\ud800" <= character <= "\udfff" for character in place):
        raise SpecError("stands for a name that is no UTF-8 text: rename what lies there, or name a link to it")
    if "://" in text:
        return text
    if _ONE_SLASH.match(text):
        raise SpecError(f"{text!r} has one slash where a uri has two: write {text.replace(':/', '://', 1)!r}")
    if variable := _VARIABLE.search(text):
        raise SpecError(
            f"{variable[0]} stands in a path, and variables are not put in: write the path itself; where the name "
            "really has a $, write it as file:///..., with %24"
        )
    if text.startswith("~"):
        home = os.path.expanduser(text)
        if home.startswith("~"):
            raise SpecError(f"{text.partition('/')[0]!r} is no home directory here: write the whole path")
        return home
    if text.startswith("/"):
        return text
    if "://" in folder:
        scheme, _, place = folder.partition("://")
        joined = posixpath.normpath(f"{place}/{text}") + ("/" if text.endswith("/") else "")
        return f"{scheme}://{joined}"
    return str(parse(os.path.join(folder, text)))


def _told(key: str, change: Callable[[str], str], text: str) -> str:
    try:
        return change(text)
    except SpecError as error:
        raise SpecError(f"{key}: {error}") from None


def _input(spec: Spec, change: Callable[[str], str]) -> Mapping[str, Any]:
    source = dict(spec.input)
    if isinstance(source.get("uri"), str):
        source["uri"] = _told("input.uri", change, source["uri"])
    room = _room(spec)
    if room is None:
        return source
    with suppress(MissingExtraError, PluginError):
        source = _told_all("input", room.get("settings", "INPUT"), source, change)
    return source


def _steps(spec: Spec, change: Callable[[str], str]) -> list[Any]:
    """The prepare list; entries that are none stay as they are, for whoever checks it."""
    room = _room(spec)
    table: StepTable[Any] | None = None
    with suppress(MissingExtraError, PluginError):
        table = None if room is None else room.find("steps", "STEPS")
    return [_step(entry, table, change) for entry in spec.prepare or ()]


def _step(entry: Any, table: StepTable[Any] | None, change: Callable[[str], str]) -> Any:
    if table is None or not isinstance(entry, Mapping) or len(entry) != 1:
        return entry
    ((name, settings),) = entry.items()
    with suppress(MissingExtraError, PluginError):
        if isinstance(name, str) and isinstance(settings, Mapping) and name in table:
            return {name: _told_all(f"prepare {name}", table[name], settings, change)}
    return entry


def _told_all(key: str, model: type[BaseModel], raw: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    found: dict[str, Any] = with_locations(model, raw, partial(_told, key, change))
    return found


def _room(spec: Spec) -> Room | None:
    """None where the spec names none that is known: it is refused later, where that is checked."""
    with suppress(SpecError, MissingExtraError, PluginError):
        return job_kind(spec.job).room(spec.input)
    return None
