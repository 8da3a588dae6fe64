"""From the YAML that a person wrote to checked settings, with errors that name the key."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import SpecError

M = TypeVar("M", bound=BaseModel)

YES_AND_NO = "YAML reads yes, no, on and off without quotes as true and false"

_KINDS = {
    "missing": "is missing",
    "tuple_": "must be a list",
    "list_": "must be a list",
    "dict_": "must be a mapping of keys",
    "mapping_": "must be a mapping of keys",
    "model_": "must be a mapping of keys",
    "string_type": "must be text: put it in quotes",
    "int_": "must be a whole number",
    "float_": "must be a number",
    "bool_": "must be true or false",
}
"""By the beginning of pydantic's name for an error."""
_WORD = r"^[A-Za-z][A-Za-z0-9_]*$"
"""The pattern of names that columns are called after."""
_NAMED = 10
"""Wrong keys that an error names."""
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def validate(model: type[M], raw: object, where: str = "spec") -> M:
    """`raw` as `model`. Raises SpecError that lists the wrong keys, with the nearest known one for an unknown key."""
    if not isinstance(raw, Mapping):
        raise SpecError(f"{where}: expected a mapping of keys, found {type(raw).__name__}")
    try:
        found = model.model_validate(raw)
    except ValidationError as error:
        raise _told(model, error.errors(include_url=False, include_input=False), where) from None
    # pydantic takes true for 1, and YAML 1.1 reads yes and on for true.
    lines = [f"{path}: must not be true or false ({YES_AND_NO})" for path in _truth_for_number(raw, found, "")]
    if lines:
        raise SpecError(f"{where}: " + "; ".join(lines))
    return found


def validate_some(model: type[BaseModel], raw: object, where: str) -> None:
    """Whether `raw` can become `model` once keys that are still missing are there. Raises SpecError as `validate`."""
    if not isinstance(raw, Mapping):
        raise SpecError(f"{where}: expected a mapping of keys, found {type(raw).__name__}")
    try:
        model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        wrong = [detail for detail in details if detail["type"] != "missing" or len(detail["loc"]) > 1]
        if wrong:
            raise _told(model, wrong, where) from None


def _told(model: type[BaseModel], details: Sequence[ErrorDetails], where: str) -> SpecError:
    lines: dict[int | str, str] = {}
    words: dict[str, list[str]] = {}
    for number, detail in enumerate(details):
        *above, last = detail["loc"] or ("",)
        if detail["type"] == "literal_error" and str(last).startswith("literal["):
            # A key with several kinds of known words: each kind says for itself what it takes.
            path = ".".join(str(part) for part in above)
            known = words.setdefault(path, [])
            known += detail["ctx"]["expected"].replace(" or ", ", ").split(", ")
            lines[path] = f"{path}: must be one of {', '.join(known)}"
        else:
            lines[number] = _explain(model, detail, len(details) == 1)
    shown = list(lines.values())
    more = f"; and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return SpecError(f"{where}: {'; '.join(shown[:_NAMED])}{more}")


def _truth_for_number(raw: object, found: object, path: str) -> Iterator[str]:
    """Paths of true and false in `raw` that became something else in the checked settings."""
    if isinstance(raw, bool):
        if not isinstance(found, bool):
            yield path
    elif isinstance(raw, Mapping):
        inside = dict(found) if isinstance(found, BaseModel | Mapping) else {}
        for key, value in raw.items():
            if key in inside:
                yield from _truth_for_number(value, inside[key], f"{path}.{key}" if path else str(key))
    elif isinstance(raw, list | tuple) and isinstance(found, list | tuple) and len(raw) == len(found):
        for at, (value, one) in enumerate(zip(raw, found, strict=True)):
            yield from _truth_for_number(value, one, f"{path}.{at}" if path else str(at))


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` or nothing; capital letters make no difference."""
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    return f", did you mean {names[found[0]]!r}?" if found else ""


def _explain(model: type[BaseModel], detail: ErrorDetails, alone: bool) -> str:
    """`alone`: nothing else is wrong, so that there is room for the keys that could be meant."""
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, detail["loc"][:-1])
        hint = nearest(str(detail["loc"][-1]), known)
        if not hint and known and alone:
            hint = f"; known are {', '.join(known)}"
        return f"unknown key {path!r}{hint}"
    words = _in_words(detail)
    return f"{path}: {words}" if path else words


def _in_words(detail: ErrorDetails) -> str:
    """What pydantic found wrong, in the words of who writes YAML."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return f"must be {_BOUNDS[kind]} {bound:g}" if isinstance(bound, float) else f"must be {_BOUNDS[kind]} {bound}"
    if kind in ("too_short", "string_too_short") and context["min_length"] == 1:
        return "must not be empty"
    if kind == "string_pattern_mismatch" and context["pattern"] == _WORD:
        return "must be letters, digits and _, with a letter first"
    for beginning, words in _KINDS.items():
        if kind.startswith(beginning):
            return words
    return detail["msg"].replace("Input should", "must")


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for part in path:
        fields = getattr(current, "model_fields", {})
        current = inner_model(fields[part].annotation) if part in fields else current
    return list(getattr(current, "model_fields", {}))


def inner_model(annotation: Any) -> Any:
    """The model of settings that a field's annotation has, also beside None or in a list; None where it has none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = inner_model(argument)
        if inner is not None:
            return inner
    return None
