"""A package as Python finds an installed one, without installing it: its entry points lie in a folder of the path."""

from __future__ import annotations

from pathlib import Path


def make_package(folder: Path, name: str, entry_points: str) -> Path:
    """The folder to put on the path."""
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(entry_points)
    return folder
