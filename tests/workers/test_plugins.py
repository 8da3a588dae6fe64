"""Packages that add names: found by their entry points, held to one name each, and harmless where they are broken."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.plugin_check import examine_plugins
from jobs.registry import job_kind
from jobs.schema import spec_schema
from schemas.errors import PluginError, SpecError
from workers import plugins, registry
from workers.images.steps import STEPS, parse_steps
from workers.lookup import room_at
from workers.models.detect import describe
from workers.prepare_list import StepTable

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lays down an installed package: its metadata, and a module of its name with this text."""

    def lay(package: str, group: str, entries: str, module: str = "") -> None:
        metadata = tmp_path / f"{package}-2.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{entries}\n")
        (tmp_path / f"{package}.py").write_text(module)
        laid.append(package)
        importlib.invalidate_caches()
        plugins.installed.cache_clear()

    laid: list[str] = []
    monkeypatch.syspath_prepend(tmp_path)
    yield lay
    for package in laid:
        sys.modules.pop(package, None)
    plugins.installed.cache_clear()


def test_a_network_of_a_package_is_found_by_its_name_like_ours(install: Install) -> None:
    install("pack_one", plugins.NETWORKS, "images.theirs = pack_one", "WIDTH = 7")
    assert registry.networks("images").load("theirs").WIDTH == 7
    assert "theirs" not in registry.networks("events")
    with pytest.raises(SpecError, match="network 'thers' is unknown, did you mean 'theirs'"):
        registry.networks("images").load("thers")


def test_a_name_of_ours_is_not_taken_and_both_are_named(install: Install) -> None:
    install("pack_two", plugins.NETWORKS, "images.resnet = pack_two")
    with pytest.raises(PluginError, match=r"package pack_two 2\.0 .*own network 'resnet' \(workers\.images\.networks"):
        registry.networks("images").load("densenet")
    assert registry.networks("events").load("retain")


def test_two_packages_with_one_name_are_both_named(install: Install) -> None:
    install("pack_three", plugins.COLLECTIONS, "waves = pack_three")
    install("pack_four", plugins.COLLECTIONS, "waves = pack_four")
    with pytest.raises(PluginError, match=r"package pack_four 2\.0 and .* package pack_three 2\.0 have one name"):
        registry.collections().require("images")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import surely_missing.x", "needs package 'surely_missing', which is not installed"),
        (
            "raise ValueError('first line\\nsecond')",
            r"cannot be imported: ValueError: first line; correct it at .*:1",
        ),
        ("import workers.surely_not", "cannot be imported: No module named 'workers.surely_not'"),
        ("x = 1", "cannot be loaded: pack_five:Step names nothing"),
        ("class Step: pass", "is no PrepareStep: correct the package"),
        (
            "from workers.images.prepare.base import PrepareStep\nclass Step(PrepareStep): pass",
            "has name = None in its class: correct the package",
        ),
    ],
)
def test_a_broken_plugin_is_one_error_that_names_it_and_harms_only_who_asks_for_it(
    install: Install, text: str, says: str
) -> None:
    install("pack_five", plugins.STEPS, "images.broken = pack_five:Step", text)
    assert len(parse_steps(["clahe", {"gamma": {"gamma": 2}}])) == 2
    with pytest.raises(PluginError, match=rf"'images\.broken' of package pack_five 2\.0 {says}"):
        parse_steps(["broken"])


def test_the_schema_and_doctor_tell_of_a_broken_plugin_and_go_on(install: Install) -> None:
    install("pack_six", plugins.COLLECTIONS, "waves = pack_six", "import surely_missing")
    told: list[PluginError] = []
    assert len(spec_schema(told.append)["properties"]["input"]["anyOf"]) >= len(registry.COLLECTIONS)
    assert ["pack_six" in str(error) for error in told] == [True]
    ((plugin, problem),) = examine_plugins()
    assert plugin.package == "pack_six"
    assert "surely_missing" in str(problem)


@pytest.mark.parametrize(
    ("group", "entry", "says"),
    [
        ("wardround.network", "images.x = pack_seven", "no such group, did you mean 'wardround.networks'"),
        (plugins.NETWORKS, "tiny = pack_seven", "its name has no collection"),
        (plugins.NETWORKS, "imagse.tiny = pack_seven", "no collection 'imagse', did you mean 'images'"),
        (plugins.STEPS, "genotypes.match2 = pack_seven", "prepare steps of its own only"),
        (plugins.JOBS, "audit = pack_seven", "names no JobKind"),
    ],
)
def test_doctor_says_what_is_wrong_with_a_name(install: Install, group: str, entry: str, says: str) -> None:
    install("pack_seven", group, entry)
    ((_, problem),) = examine_plugins()
    assert says in str(problem)


def test_a_job_that_is_no_kind_of_job_is_refused(install: Install) -> None:
    install("pack_eight", plugins.JOBS, "audit = pack_eight")
    with pytest.raises(PluginError, match="pack_eight"):
        job_kind("audit")


def test_our_formats_look_first_and_a_broken_one_is_named_only_where_none_knows_the_directory(
    install: Install, tmp_path: Path
) -> None:
    install("pack_nine", plugins.FORMATS, "molecules.aaa = pack_nine:FORMAT", "import surely_missing")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "config.json").write_text(
        '{"format": "properties", "format_version": 1, "properties": ["tpsa"]}'
    )
    assert describe(tmp_path / "ours", "molecules")[0] == "properties"
    (tmp_path / "none").mkdir()
    with pytest.raises(SpecError, match=r"Looked for: .*pack_nine"):
        describe(tmp_path / "none", "molecules")


def test_a_table_of_settings_takes_no_steps_of_packages(install: Install) -> None:
    install("pack_ten", plugins.STEPS, "images.x = pack_ten:X")
    assert "x" in list(STEPS)
    assert "x" not in list(StepTable("images", {}, STEPS["clahe"], open=False))


def test_a_room_of_a_package_that_a_node_lacks_is_told() -> None:
    assert room_at("workers.molecules").get("settings", "INPUT")
    with pytest.raises(PluginError, match=r"'not_here\.waves'.* is not installed here: install it on every node"):
        room_at("not_here.waves")


def test_reading_the_entry_points_takes_no_time_that_anyone_would_notice() -> None:
    plugins.installed.cache_clear()
    began = time.process_time()
    plugins.installed()
    assert time.process_time() - began < 1
