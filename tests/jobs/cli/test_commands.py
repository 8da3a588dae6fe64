"""Every command from its declared arguments to what it prints: the same small finished run under all of them."""

import argparse
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobs.cli import (
    completion,
    demo,
    discard,
    doctor,
    export,
    gc,
    init,
    model,
    plan,
    report,
    rows,
    run,
    schema,
    status,
    submit,
    verify,
)
from jobs.cli.main import COMMANDS, main
from schemas.errors import SpecError, UsageError
from tests.support.cli import Wardround

MODULES: dict[str, ModuleType] = {
    "discard": discard,
    "run": run,
    "plan": plan,
    "status": status,
    "rows": rows,
    "verify": verify,
    "report": report,
    "export": export,
    "schema": schema,
    "doctor": doctor,
    "submit": submit,
    "gc": gc,
    "demo": demo,
    "init": init,
    "completion": completion,
    "model": model,
}
READERS = ("status", "rows", "verify", "report", "gc")
"""Commands that take a run."""


def declared(module: ModuleType) -> tuple[list[str], set[str]]:
    """Positional arguments in order, and options."""
    parser = argparse.ArgumentParser(add_help=False)
    module.add_arguments(parser)
    positional = [action.dest for action in parser._actions if not action.option_strings]
    return positional, {option for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize(
    ("name", "positional", "options"),
    [
        ("run", ["spec"], {"--progress", "--json", "--stop-after"}),
        ("plan", ["spec"], {"--all", "--check", "--sample", "--workers", "--json"}),
        ("status", ["run"], {"--json"}),
        ("rows", ["run"], {"--status", "--model", "--limit", "--json"}),
        ("verify", ["run"], {"--no-source", "--json"}),
        ("report", ["run"], {"--json"}),
        ("export", ["format"], set()),
        ("schema", [], {"--markdown"}),
        ("init", ["kind"], {"--input", "--labels", "--model", "--output", "--set", "--to", "--json"}),
        ("completion", ["shell"], set()),
        ("model", ["action"], set()),
        ("doctor", ["spec"], {"--json"}),
        ("gc", ["run"], {"--yes", "--older-than", "--json"}),
        ("demo", ["act"], {"--output", "--progress", "--json"}),
    ],
)
def test_a_command_takes_these_words(name: str, positional: list[str], options: set[str]) -> None:
    assert declared(MODULES[name]) == (positional, options)


def test_every_command_has_a_module_and_every_option_a_word_of_help() -> None:
    assert set(MODULES) == set(COMMANDS)
    for name, module in MODULES.items():
        assert module.__doc__ is not None
        assert f"wardround {name}" in module.__doc__
        parser = argparse.ArgumentParser(add_help=False)
        module.add_arguments(parser)
        silent = [action.dest for action in parser._actions if action.option_strings and not action.help]
        assert silent in ([], ["progress"])


def facts(wardround: Wardround, *words: Any) -> Any:
    said = wardround(*words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_status_of_a_run_is_its_stages_with_records_and_rows(wardround: Wardround, finished: Path) -> None:
    found = facts(wardround, "status", finished)
    assert (found["run"], found["complete"]) == (str(finished), True)
    (stage,) = found["stages"]
    assert (stage["records"], stage["rows"], stage["shards"], stage["shards_done"]) == (20, 20, 4, 4)


def test_report_names_the_page_that_it_wrote(wardround: Wardround, run_dir: Path) -> None:
    (run_dir / "report.html").unlink()
    assert facts(wardround, "report", run_dir) == {"report": f"{run_dir}/report.html"}
    assert (run_dir / "report.html").is_file()


def test_verify_says_what_it_read_for_people_too(wardround: Wardround, finished: Path) -> None:
    found = facts(wardround, "verify", finished, "--no-source")
    assert (found["verified"], found["rows"]) == (True, 20)
    assert "recomputed" not in found
    said = wardround("verify", finished)
    assert re.search(rf"objects +{found['objects']}\n", said.out)
    assert re.search(r"rows +20\n", said.out)


def test_gc_of_a_clean_run_finds_nothing_and_an_age_that_is_none_is_refused(
    wardround: Wardround, finished: Path
) -> None:
    assert "nothing is left over" in wardround("gc", finished).err
    said = wardround("gc", finished, "--older-than", "soon")
    assert (said.code, "--older-than" in said.err) == (2, True)


def test_rows_of_a_status_that_nobody_has_say_so(wardround: Wardround, finished: Path) -> None:
    said = wardround("rows", finished, "--status", "timed_out")
    assert (said.code, said.out) == (0, "")
    assert "no record has the status timed_out" in said.err
    said = wardround("rows", finished, "--status", "timedout")
    assert (said.code, "timedout" in said.err) == (2, True)


@pytest.mark.parametrize("name", READERS)
def test_where_no_run_lies_a_command_says_so_in_one_line_and_ends_with_2(
    wardround: Wardround, tmp_path: Path, name: str
) -> None:
    said = wardround(name, tmp_path)
    assert (said.code, said.out) == (UsageError.exit_code, "")
    assert re.fullmatch(r"wardround: no run lies at .*\n", said.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run", "plan", *READERS])
def test_a_spec_that_is_not_there_is_named_and_ends_with_2(wardround: Wardround, tmp_path: Path, name: str) -> None:
    said = wardround(name, tmp_path / "none.yaml")
    assert said.code == SpecError.exit_code
    assert "none.yaml" in said.err
    assert said.err.count("\n") == 1


def test_a_schema_is_printed_that_names_every_key_of_a_spec(wardround: Wardround) -> None:
    found = json.loads(wardround("schema").out)
    assert {"job", "name", "input", "models", "output", "compute"} <= set(found["properties"])


def test_a_run_that_is_complete_is_told_as_such_by_run(wardround: Wardround, make_spec: Any, tmp_path: Path) -> None:
    spec = make_spec()
    assert main(["run", str(spec), "--progress", "none"]) == 0
    found = facts(wardround, "run", spec, "--progress", "none")
    assert (found["nothing_to_do"], found["complete"], found["records"]) == (True, True, 20)
    assert "nothing to do: the run is complete" in wardround("run", spec, "--progress", "none").out
    assert facts(wardround, "plan", spec)["output"] == "this run, complete: nothing to do"


def test_an_export_that_the_run_has_nothing_for_says_what_it_lacks(
    wardround: Wardround, finished: Path, tmp_path: Path
) -> None:
    said = wardround("export", "note_nlp", finished, "--to", tmp_path / "to")
    assert said.code == UsageError.exit_code
    assert said.err.startswith("wardround: ")
    assert not (tmp_path / "to").exists()
    assert wardround("export", "vcf", finished).code == UsageError.exit_code


def test_doctor_shows_a_finding_a_line_with_its_remedy() -> None:
    from schemas.finding import Finding

    fine, bad = Finding("python", "ok", "3.11"), Finding("disk", "fail", "full", "free some", 4)
    assert doctor._line(fine).split() == ["ok", "python", "3.11"]
    assert doctor._line(bad).endswith("full -> free some")
