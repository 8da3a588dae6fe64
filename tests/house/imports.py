"""Who imports whom, by file and by room, lazy imports included."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

LAYERS = ("wardround", "jobs", "workers", "cluster", "schemas")
"""Top to bottom. `wardround` is the facade, one file."""
WINGS = ("workers/images", "workers/ehr", "workers/genomics", "workers/molecules")

Graph = Mapping[str, frozenset[str]]


def sources(root: Path) -> list[Path]:
    """Every Python file of the product, without tests."""
    found = [path for layer in LAYERS for path in (root / layer).rglob("*.py")]
    facade = root / "wardround.py"
    return sorted([*found, facade] if facade.exists() else found)


def module_name(path: Path, root: Path) -> str:
    """`workers.pipeline` for `workers/pipeline/__init__.py`."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def room(module: str, packages: frozenset[str]) -> str:
    """The folder below its layer that a module lies in; of a layer's own files the layer.

    A package module counts as inside its own folder.
    """
    parts = module.split(".")
    folder = parts if module in packages else parts[:-1]
    return "/".join(folder[:2]) or module


def wing(module: str) -> str | None:
    """The wing of a module, or None for one outside all wings."""
    path = module.replace(".", "/")
    return next((name for name in WINGS if path == name or path.startswith(name + "/")), None)


def graph(root: Path) -> tuple[Graph, frozenset[str]]:
    """Which modules each module imports, at its top or inside functions, and which of them are packages.

    What only type checkers see (`if TYPE_CHECKING`) counts as well.
    """
    files = {module_name(path, root): path for path in sources(root)}
    packages = frozenset(name for name, path in files.items() if path.name == "__init__.py")
    found = {name: frozenset(_imported(path, files) - {name}) for name, path in files.items()}
    return found, packages


def _imported(path: Path, known: Mapping[str, Path]) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return {name for node in ast.walk(tree) for name in _names(node, known)}


def _names(node: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if full in known:
                yield full
            elif node.module in known:
                yield node.module


def arrows(imports: Graph, packages: frozenset[str]) -> Graph:
    """Which rooms each room imports. An entry point (`__main__`) is a door and belongs to none."""
    found: dict[str, set[str]] = {}
    for module, targets in imports.items():
        if module.endswith("__main__"):
            continue
        here = room(module, packages)
        found.setdefault(here, set()).update(room(target, packages) for target in targets)
    return {name: frozenset(targets - {name}) for name, targets in found.items()}


def upward(imports: Graph) -> list[tuple[str, str]]:
    """Imports of a higher layer."""
    level = {name: index for index, name in enumerate(LAYERS)}
    layer = {module: level[module.partition(".")[0]] for module in imports}
    return sorted((module, to) for module, targets in imports.items() for to in targets if layer[to] < layer[module])


def between_wings(imports: Graph) -> list[tuple[str, str]]:
    """Imports from one wing to another."""
    pairs = ((module, to) for module, targets in imports.items() for to in targets)
    return sorted((a, b) for a, b in pairs if wing(a) and wing(b) and wing(a) != wing(b))


def core_to_wing(imports: Graph) -> list[tuple[str, str]]:
    """Imports from the core of `workers` to a wing."""
    pairs = ((module, to) for module, targets in imports.items() for to in targets)
    return sorted((a, b) for a, b in pairs if a.startswith("workers") and not wing(a) and wing(b))


def circles(imports: Graph) -> list[list[str]]:
    """Groups of names that all reach each other (strongly connected components of two and more, after Tarjan)."""
    finder = _Components(imports)
    for name in sorted(imports):
        if name not in finder.index:
            finder.visit(name)
    return sorted(sorted(group) for group in finder.found if len(group) > 1)


class _Components:
    def __init__(self, imports: Graph) -> None:
        self.imports = imports
        self.index: dict[str, int] = {}
        self.low: dict[str, int] = {}
        self.stack: list[str] = []
        self.found: list[list[str]] = []

    def visit(self, name: str) -> None:
        """Number a name and all that it reaches."""
        self.index[name] = self.low[name] = len(self.index)
        self.stack.append(name)
        for target in self.imports.get(name, ()):
            if target not in self.index:
                self.visit(target)
                self.low[name] = min(self.low[name], self.low[target])
            elif target in self.stack:
                self.low[name] = min(self.low[name], self.index[target])
        if self.low[name] == self.index[name]:
            place = self.stack.index(name)
            self.found.append(self.stack[place:])
            del self.stack[place:]
