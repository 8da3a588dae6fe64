"""The measurement of the house finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import imports
from tests.house.copies import copies

BODY = "\n".join(f"    total_{n} = add(left_{n}, right_{n})" for n in range(7))


def tree(root: Path, **files: str) -> Path:
    """A checkout of these files; `__` in a name is a folder."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_lower_layer_that_imports_a_higher_one_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path, schemas__a="from jobs.b import c\n", jobs__b="c = 1\n")
    assert imports.upward(imports.graph(root)[0]) == [("schemas.a", "jobs.b")]


def test_wings_that_know_each_other_are_named_and_so_is_a_core_that_knows_a_wing(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        workers__ehr__a="import workers.images.b\n",
        workers__images__b="x = 1\n",
        workers__pipeline__c="def f():\n    from workers.images import b\n",
    )
    modules, _ = imports.graph(root)
    assert imports.between_wings(modules) == [("workers.ehr.a", "workers.images.b")]
    assert imports.core_to_wing(modules) == [("workers.pipeline.c", "workers.images.b")]


def test_a_circle_through_an_import_inside_a_function_is_a_circle(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        jobs__a="import jobs.b\n",
        jobs__b="import jobs.c\n",
        jobs__c="def f():\n    import jobs.a\n",
        jobs__d="import jobs.a\n",
    )
    assert imports.circles(imports.graph(root)[0]) == [["jobs.a", "jobs.b", "jobs.c"]]


@pytest.mark.parametrize("renamed", [False, True])
def test_seven_lines_that_stand_twice_are_a_copy_also_under_other_names(tmp_path: Path, renamed: bool) -> None:
    other = BODY.replace("left", "first") if renamed else BODY
    root = tree(tmp_path, jobs__a=f"def f():\n{BODY}\n", workers__pipeline__b=f"\n\ndef g():\n{other}\n")
    (copy,) = copies(root)
    assert (copy.left, copy.right, copy.exact) == ("jobs/a.py", "workers/pipeline/b.py", not renamed)
    assert copy.lines == 7


def test_five_lines_that_stand_twice_are_none(tmp_path: Path) -> None:
    short = "\n".join(BODY.splitlines()[:5])
    assert copies(tree(tmp_path, jobs__a=f"def f():\n{short}\n", jobs__b=f"def g():\n{short}\n")) == []


def test_rooms_are_the_folders_below_a_layer(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        jobs__a="import workers.ehr.notes.b\n",
        workers__ehr__notes__b="import schemas.c\n",
        schemas__c="",
    )
    found = imports.arrows(*imports.graph(root))
    assert found == {"jobs": {"workers/ehr"}, "workers/ehr": {"schemas"}, "schemas": frozenset()}
