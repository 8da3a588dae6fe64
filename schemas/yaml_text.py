"""YAML that people wrote, read with suspicion: bounded in size, depth and growth, plain values only, no key twice.

A few lines with anchors can stand for billions of values, a list can hold itself, and brackets can be nested deeper
than any parser goes. All of that is counted on what the parser sees, before a single value is made of it.
"""

from typing import Any

import yaml

from schemas.errors import SpecError

MOST_BYTES = 1 << 20
_MOST_EVENTS = 40_000
_MOST_VALUES = 100_000
"""With every alias written out."""
_DEEPEST = 64
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "merge")
)


class PlainLoader(yaml.SafeLoader):
    """YAML 1.1 without its rule that of two equal keys the last one stands, in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Raises SpecError, in words that `load_yaml` completes, for a key that stands there twice."""
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in seen:
                    raise SpecError(f"key {key.value!r} stands there twice, again in line {key.start_mark.line + 1}")
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Raises SpecError for a value that is not what it looks like: a date in month 13, an endless number."""
        line = node.start_mark.line + 1
        try:
            made = super().construct_object(node, deep)
            # JSON writes a character beyond the first 65,536 as two halves, which PyYAML leaves apart.
            is_text = isinstance(made, str) and not made.isascii()
            return made.encode("utf-16", "surrogatepass").decode("utf-16") if is_text else made
        except UnicodeDecodeError:
            raise SpecError(f"line {line}: a text has half a character in it: write the character itself") from None
        except (ValueError, OverflowError):
            kind = node.tag.rpartition(":")[2]
            raise SpecError(
                f"line {line}: that is no {kind} that can be read: put it in quotes if it is text"
            ) from None


def load_yaml(text: str, where: str, loader: type[yaml.SafeLoader] = PlainLoader) -> Any:
    """The one document in `text` as dicts, lists and plain values. `where` begins every message.

    Raises SpecError, with line and reason, for what is not YAML, has a tag, refers to itself, or is too large: more
    than 1 MiB of text, 64 levels, or 100,000 values with every alias written out.
    """
    try:
        return _loaded(text, loader)
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{where}: not valid YAML{_reason(error)}") from None


def _loaded(text: str, loader: type[yaml.SafeLoader]) -> Any:
    if len(text) > MOST_BYTES:
        raise SpecError(f"is larger than {MOST_BYTES >> 20} MiB, which nobody writes by hand: shorten it")
    _check_shape(text, loader)
    parsed = loader(text)
    try:
        node = parsed.get_single_node()
        if node is None:
            return None
        _measure(node, {}, set())
        return parsed.construct_document(node)
    finally:
        parsed.dispose()


def _check_shape(text: str, loader: type[yaml.SafeLoader]) -> None:
    """The parser's events come one by one, so that a monster is left where it becomes one."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST or number > _MOST_EVENTS:
            what = f"nested deeper than {_DEEPEST} levels" if depth > _DEEPEST else "too long: it has too many values"
            raise SpecError(f"{_line(event)}: {what}; write it plainly")


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]], above: set[int]) -> tuple[int, int]:
    """Values and levels of a node with every alias written out. Each node is visited once: its measure is kept."""
    line = _line(node)
    if node.tag not in _PLAIN:
        raise SpecError(f"{line}: the tag {node.tag!r} means nothing here: write the value plainly")
    if id(node) in above:
        raise SpecError(f"{line}: it refers to itself: write it plainly")
    if id(node) not in known:
        above.add(id(node))
        parts = [_measure(part, known, above) for part in _inside(node)]
        known[id(node)] = 1 + sum(values for values, _ in parts), 1 + max((levels for _, levels in parts), default=0)
        above.remove(id(node))
    values, levels = known[id(node)]
    if values > _MOST_VALUES or levels > 2 * _DEEPEST:
        raise SpecError(f"{line}: with every alias written out it is too large: write it plainly")
    return values, levels


def _line(what: yaml.Node | yaml.Event) -> str:
    return f"line {what.start_mark.line + 1}" if what.start_mark else "somewhere"


def _inside(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _reason(error: yaml.YAMLError) -> str:
    """Where and why, as far as PyYAML says."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    line = f" near line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    if problem and "\\t" in problem:
        problem = "a tab stands where YAML wants spaces"
    return f"{line}: {problem}" if problem else line
