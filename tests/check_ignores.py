"""`python tests/check_ignores.py`: whoever silences mypy says why, beside it; not in tests, which it does not read."""

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("jobs", "workers", "cluster", "schemas")
_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z\-, ]+\])?(?P<rest>.*)$")
_OTHERS = re.compile(r"#\s*noqa\b[^#]*")


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def faults(path: Path, text: str) -> Iterator[str]:
    """Each `type: ignore` of this file without its code or its reason, as `file:line: what`."""
    for line, comment in comments(text):
        found = _IGNORE.search(comment)
        if found is None:
            continue
        if path.parts[0] == "tests":
            yield f"{path}:{line}: mypy reads no tests, there is nothing to ignore"
        elif found["code"] is None:
            yield f"{path}:{line}: says not which error it ignores"
        elif not re.search(r"[A-Za-z]{2}", _OTHERS.sub("", found["rest"]) + _reason(comment)):
            yield f"{path}:{line}: says not why: put the reason behind it"


def _reason(comment: str) -> str:
    """What stands behind the last dash of a comment that is a `noqa` as well."""
    return comment.rpartition(" - ")[2] if " - " in comment else ""


def main() -> int:
    """Exit status 1 if a reason is missing."""
    paths = [Path("wardround.py"), *(path for folder in (*FOLDERS, "tests") for path in Path(folder).rglob("*.py"))]
    found = [fault for path in sorted(paths) for fault in faults(path, path.read_text())]
    print("\n".join(found) if found else "every type: ignore says why")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
