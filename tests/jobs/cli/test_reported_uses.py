"""What a new user of an earlier release met and nothing else tells as a whole: overflowing weights, a spec in JSON, a
command that is not found, a figure that nobody explains."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file, save_file

from tests.support import runs
from tests.support.cli import Wardround
from tests.support.mistakes.world import native


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_finite_weights_that_overflow_give_no_score_that_is_ok(tmp_path: Path, share: float) -> None:
    """`share` of the weights of each tensor are so large that their sums are infinite, and infinities cancel."""
    text = yaml.safe_dump(native(tmp_path)).replace("HERE", str(tmp_path))
    path = tmp_path / "native/model.safetensors"
    weights = load_file(path)
    for name, tensor in weights.items():
        if tensor.is_floating_point() and name.endswith("weight"):
            flat = tensor.reshape(-1)
            flat[: max(1, int(share * len(flat)))] = 3e38
    save_file(weights, path)
    outcome = runs.run(text)
    found = runs.rows(tmp_path / "out")
    assert set(found["status"]) == {"invalid_output"}
    scores = found.select("score_normal", "score_pneumonia")
    assert scores.null_count().row(0) == (found.height, found.height)
    assert outcome.manifest.statuses == {"invalid_output": found.height}


def test_a_spec_in_json_names_its_run_for_every_command(
    wardround: Wardround, make_spec: Callable[..., Path], tmp_path: Path
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(yaml.safe_load(make_spec().read_text())))
    for words in (["plan"], ["doctor"], ["run", "--progress", "none"], ["status"], ["rows"], ["verify"], ["report"]):
        command, *more = words
        said = wardround(command, str(spec), *more)
        assert said.code == 0, (command, said.err)
    assert "complete" in wardround("status", str(spec)).out


README = Path(__file__).parents[3] / "README.md"


def in_bash(code: str) -> str:
    """What a shell of its own says, in which the command is not on the path."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, env=environment, check=True, timeout=60)
    return done.stdout


def test_the_command_is_found_once_the_line_of_the_readme_was_typed() -> None:
    assert "`source .venv/bin/activate`" in README.read_text(encoding="utf-8")
    activate = shlex.quote(f"{sys.prefix}/bin/activate")
    assert in_bash("command -v wardround || echo none") == "none\n"
    found = in_bash(f"source {activate}; command -v wardround").strip()
    assert Path(found).samefile(f"{sys.prefix}/bin/wardround")


def test_the_line_of_the_readme_completes_the_command_line() -> None:
    line = 'eval "$(wardround completion bash)"'
    assert line in README.read_text(encoding="utf-8")
    activate = shlex.quote(f"{sys.prefix}/bin/activate")
    asked = "COMP_WORDS=(wardround verif); COMP_CWORD=1; _wardround; echo ${COMPREPLY[@]}"
    assert in_bash(f"source {activate}; {line}; complete -p wardround; {asked}").splitlines() == [
        "complete -o default -F _wardround wardround",
        "verify",
    ]


def test_how_busy_a_run_was_is_explained_where_it_is_told(
    wardround: Wardround, make_spec: Callable[..., Path], tmp_path: Path
) -> None:
    spec = make_spec()
    assert "busy  " in wardround("run", str(spec), "--progress", "none").out
    (report,) = tmp_path.rglob("report.html")
    for path, word in ((report, "<p>Busy"), (README, "`busy`")):
        text = path.read_text(encoding="utf-8")
        told = " ".join(text[text.index(word) :].split())
        assert "start-up" in told[:300]
        assert "cores" in told[:300]
