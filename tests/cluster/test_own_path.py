"""Ray's processes import what this process imports."""

import os
import sys

import pytest

from cluster.own_path import job_config, path_for_processes
from schemas.import_path import ROOT


def test_inside_the_block_pythonpath_is_this_processs_own_path_and_then_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setattr(sys, "path", [*sys.path, "/added/at/run/time"])
    with path_for_processes():
        inside = os.environ["PYTHONPATH"].split(os.pathsep)
        assert inside.index(ROOT) < inside.index("/added/at/run/time")
    assert os.environ["PYTHONPATH"] == "/somewhere"


def test_where_there_was_none_there_is_none_again_even_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def break_inside() -> None:
        with path_for_processes():
            assert ROOT in os.environ["PYTHONPATH"]
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_inside()
    assert "PYTHONPATH" not in os.environ


def test_a_job_takes_neither_the_working_directory_nor_the_scripts_along() -> None:
    config = job_config()
    # What ray.init does with the driver's own.
    config._py_driver_sys_path.extend(["/work", "/script"])
    assert list(config._py_driver_sys_path) == []
    assert list(config._get_proto_job_config().py_driver_sys_path) == []
