"""Which extra brings a module is told as pyproject.toml has it."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from schemas.extras import CORE, EXTRAS, missing_extra

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def missed(module: str, extra: str = "") -> str:
    error = missing_extra(ModuleNotFoundError("", name=module), extra)
    return str(error)


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[><=\[]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("extra", [name for name in EXTRAS if name != "demo"])
def test_every_module_is_of_a_package_that_its_extra_installs(extra: str) -> None:
    brought = metadata.packages_distributions()
    wanted = distributions(PROJECT["optional-dependencies"][extra])
    for module in EXTRAS[extra].split():
        found = {name.lower() for name in brought.get(module, [])}
        # What a package of the extra brings with it, such as meds its schemas, is of the extra too.
        assert found & wanted or module in ("flexible_schema", "jpeg_ls", "openjpeg", "rle"), module


def test_what_every_installation_has_is_of_no_extra() -> None:
    brought = metadata.packages_distributions()
    wanted = distributions(PROJECT["dependencies"]) | {"botocore"}
    assert all({name.lower() for name in brought[module]} & wanted for module in CORE)


@pytest.mark.parametrize(
    ("module", "extra", "remedy"),
    [
        ("cv2.gapi", "", "package 'cv2' is not installed: pip install 'wardround[images]'"),
        ("torch", "images", "package 'torch' is not installed: pip install wardround"),
        ("somebodys", "molecules", "package 'somebodys' is not installed: pip install 'wardround[molecules]'"),
        ("somebodys", "", "package 'somebodys' is not installed: install it"),
    ],
)
def test_package_and_remedy_are_named(module: str, extra: str, remedy: str) -> None:
    assert missed(module, extra) == remedy


@pytest.mark.parametrize("module", ["", "workers.nowhere", "jobs"])
def test_a_part_of_ours_is_no_extra(module: str) -> None:
    assert missed(module) == "None"
