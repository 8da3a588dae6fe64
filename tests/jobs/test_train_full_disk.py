"""A disk that is full while a training keeps a state: exit 4 and the remedy, then the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.cli import Wardround
from tests.support.failing_mount import failing_mount
from tests.support.runs import run
from tests.support.train_runs import train_spec, weights

OFTEN = "limits: {checkpoint_every: 0s, outages: 1}\nstorage: {attempts: 1}\n"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Wardround:
    return Wardround(capsys)


def test_a_full_disk_ends_it_with_4_and_once_there_is_space_the_same_command_goes_on_to_the_same_weights(
    tmp_path: Path, command: Wardround
) -> None:
    run(train_spec(tmp_path, tmp_path / "clean", "", OFTEN))
    spec = tmp_path / "spec.yaml"
    with failing_mount(tmp_path / "disk") as mount:
        spec.write_text(train_spec(tmp_path, mount.path / "out", "", OFTEN))
        mount.fail(after=12, error="ENOSPC", match="*checkpoints/*")
        for _ in range(2):
            said = command("run", spec, "--progress", "none")
            assert (said.code, mount.seen().failed > 0) == (4, True), said.err
            assert "ENOSPC: free space on that disk" in said.err
            assert "run the same command again" in said.err
        kept = sorted((mount.backing / "out" / "stages" / "fit" / "checkpoints" / "seed-0").glob("*.safetensors"))
        assert kept, "it was full before anything was kept: the test shows nothing"
        mount.heal()
        assert command("run", spec, "--progress", "none").code == 0
        verify(open_store(str(mount.path / "out")))
        assert weights(mount.path / "out") == weights(tmp_path / "clean")
