from __future__ import annotations

import pytest

from cluster.pool.factory import build
from schemas.errors import UsageError


@pytest.mark.parametrize(
    "path", ["", "tests.support.toy_worker", "tests.support.toy_worker:", ":make", "cluster.pool.factory:no_such"]
)
def test_a_path_that_names_no_function_says_how_to_write_one(path: str) -> None:
    with pytest.raises(UsageError, match="give it as 'module:function'"):
        build(path, {}, 1.0, 0.0)


def test_a_module_that_is_not_there_is_told_as_python_tells_it() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        build("no_such_module:make", {}, 1.0, 0.0)


def test_the_factory_is_called_with_the_job_and_its_share_of_the_node() -> None:
    # `dict` of a pair stands in: any callable of the module will do.
    with pytest.raises(TypeError, match="expected at most 1 argument, got 3"):
        build("builtins:dict", {"job": 1}, 2.0, 0.5)
