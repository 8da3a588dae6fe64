"""What a new user of an earlier release met and nothing else tells as a whole: overflowing weights, a spec in JSON."""

from __future__ import annotations

import json
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
