"""`python tests/check_settings.py`: every key of a spec is described, and docs/settings.md says what they are now."""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path("docs") / "settings.md"
ANEW = f"python -m jobs schema --markdown > {PAGE}"


def faults(root: Path) -> list[str]:
    """A line for each key without a description, and one for a page that is not up to date."""
    from jobs.reference import reference
    from jobs.schema import spec_schema, undescribed

    def complain(error: Exception) -> None:
        raise error

    found = [f"{key} has no description: give its Field one" for key in undescribed(spec_schema(complain))]
    page = root / PAGE
    if not page.is_file() or page.read_text(encoding="utf-8") != reference(complain):
        found.append(f"{PAGE} is not what the settings say: {ANEW}")
    return found


def main() -> int:
    """Exit code for `make check`."""
    root = Path(__file__).resolve().parent.parent
    sys.path.insert(0, str(root))
    found = faults(root)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
