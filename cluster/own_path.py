"""Ray started and joined so that its processes import what this one imports, not what lies in the working directory.

Ray has no setting for either. Imported late by `cluster.session`: Ray reads its environment when it is imported.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ray.job_config import JobConfig

from schemas.import_path import python_path


class _Ignored(list[str]):
    """A list that stays empty."""

    def extend(self, directories: Iterable[str]) -> None:
        """Nothing."""


def job_config() -> JobConfig:
    """A job whose workers do not look for modules in the driver's working directory, nor in that of its script.

    Ray puts both first, and a file `numpy.py` there is then what Ray's own code imports in a worker. Where a later Ray
    keeps them elsewhere, they are first again until `cluster.pool.entry` puts them last.
    """
    config = JobConfig()
    config._py_driver_sys_path = _Ignored()
    return config


@contextmanager
def path_for_processes() -> Iterator[None]:
    """PYTHONPATH, for what is started inside the block, is this process's path in our order."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = python_path()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
