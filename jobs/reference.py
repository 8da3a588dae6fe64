"""The reference of every key of a spec as a page of Markdown, made from what the JSON Schema is made from."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from jobs.schema import Tell, all_settings
from schemas.spec import Spec

_HEAD = """# Every key of a spec

Made from the descriptions of the settings by `wardround schema --markdown > docs/settings.md`; `make check` holds it to
them. The same for editors: `wardround schema > spec.schema.json`. A size is a number of bytes, or text such as `24GiB`;
a duration a number of seconds, or text such as `90s`, `5m`, `2h`; a share a number up to 1, or text such as `5%`.
"""
_UNITS = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "object": "mapping", "null": "nothing"}

Schema = Mapping[str, Any]


def reference(tell: Tell) -> str:
    """The whole page: the envelope, then every input, prepare step and augmentation step.

    What cannot be imported goes to `tell`.
    """
    known = all_settings(tell)
    parts = [_HEAD, "## The spec\n", _of_model(Spec)]
    for job, rooms in known.inputs.items():
        # One model may serve several formats.
        named: dict[type[BaseModel], list[str]] = {}
        for name, model in rooms.items():
            named.setdefault(model, []).append(name)
        for model, names in named.items():
            parts += [f"## `input:` of `job: {job}`: {', '.join(names)}\n", _of_model(model, "input.")]
    for key, lists in (("prepare:", known.steps), ("input.augment:", known.augment)):
        for collection, steps in lists.items():
            parts.append(f"## `{key}` of {collection}\n")
            for name, step in dict.fromkeys(steps):
                parts += [f"### {name}\n", _of_model(step)]
    return "\n".join(parts)


def _of_model(model: type[BaseModel], prefix: str = "") -> str:
    schema = model.model_json_schema()
    rows = list(_rows(schema, schema.get("$defs", {}), prefix))
    text = f"{schema.get('description', '')}\n"
    if not rows:
        return text
    lines = ["| key | value | by default | meaning |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join([text, *lines, ""])


def _cell(text: str) -> str:
    """Text that stays as it is within a table of Markdown."""
    return text if text.startswith("`") else text.replace("|", "\\|").replace("<", "&lt;")


def _rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, default and meaning of each key; those of a mapping of keys follow it, dotted."""
    for key, prop in schema.get("properties", {}).items():
        inner, path = _inner(prop, definitions, f"{prefix}{key}")
        default = "required" if key in schema.get("required", ()) else _default(prop, inner is not None)
        yield f"`{prefix}{key}`", _kind(prop, definitions), default, prop.get("description", "")
        if inner is not None:
            yield from _rows(inner, definitions, f"{path}.")


def _inner(prop: Schema, definitions: Schema, path: str) -> tuple[Schema | None, str]:
    """The settings that a key holds, and how they are called in a spec."""
    more = next(iter(prop.get("patternProperties", {}).values()), prop.get("additionalProperties"))
    if isinstance(more, Mapping) and "$ref" in more:
        return _resolved(more, definitions), f"{path}.<name>"
    for choice in (prop, *prop.get("anyOf", ())):
        found = _resolved(choice, definitions)
        if "properties" in found:
            return found, path
    return None, path


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    found: Schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _kind(prop: Schema, definitions: Schema) -> str:
    """What a value may be, in words."""
    schema = _resolved(prop, definitions)
    if "const" in schema:
        return f"`{_plain(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_plain(value)}`" for value in schema["enum"])
    format = schema.get("format", "")
    if format in ("size", "share") or format.startswith("duration"):
        return _bounded(format.partition(" ")[0], schema)
    if "anyOf" in schema:
        kinds = [_kind(choice, definitions) for choice in schema["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return _list(schema, definitions)
    if format == "date-time":
        return "date or time"
    return _bounded(
        "`true` or `false`" if schema.get("type") == "boolean" else _TYPES.get(schema.get("type", ""), "any"), schema
    )


def _list(schema: Schema, definitions: Schema) -> str:
    if "prefixItems" in schema:
        kinds = dict.fromkeys(_kind(item, definitions) for item in schema["prefixItems"])
        return f"list of {len(schema['prefixItems'])}: {', '.join(kinds)}"
    return f"list of: {_kind(schema.get('items', {}), definitions)}"


def _bounded(kind: str, schema: Schema) -> str:
    bounds = [f"{words} {_number(schema[name])}" for name, words in _BOUNDS.items() if name in schema]
    return f"{kind}, {', '.join(bounds)}" if bounds else kind


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"


def _default(prop: Schema, is_group: bool) -> str:
    value = prop.get("default")
    if value is None or is_group or value in ([], {}):
        return ""
    if prop.get("format") == "size" and isinstance(value, int):
        unit, factor = next(((unit, factor) for unit, factor in _UNITS if value % factor == 0), ("", 1))
        return f"`{value // factor}{unit}`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    """A value as YAML has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
