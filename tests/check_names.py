"""`python tests/check_names.py`: every name that tests import from the project is there.

mypy does not read tests; a name that is renamed without them would be found only when they run."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OURS = ("jobs", "workers", "cluster", "schemas", "tests", "wardround")


@cache
def names_of(module: str) -> frozenset[str] | None:
    """What the module defines or imports at any depth, and what lies in its folder; None if there is no such module."""
    folder = Path(*module.split("."))
    source = next((path for path in (folder.with_suffix(".py"), folder / "__init__.py") if path.is_file()), None)
    if source is None and not folder.is_dir():
        return None
    nodes = list(ast.walk(ast.parse(source.read_text()))) if source else []
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return frozenset(defined | stored | imported | {path.stem for path in folder.glob("*")})


def missing(path: Path) -> Iterator[str]:
    """Each import of a name of ours in this file that is not there, as `file:line: name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        if node.module.split(".")[0] not in OURS:
            continue
        names = names_of(node.module)
        for alias in node.names:
            if names is None or alias.name not in names:
                yield f"{path}:{node.lineno}: {node.module}.{alias.name} is not there"


def main() -> int:
    """Exit status 1 if a name is missing."""
    found = [line for path in sorted(Path("tests").rglob("*.py")) for line in missing(path)]
    print("\n".join(found) if found else "every name that tests import is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
