"""What a worker of Ray Train runs first, while that process does not know yet where our packages are.

It travels by value, as `cluster.pool.entry` does and for the same reason.
"""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import ray

from schemas.import_path import claim

RAISED = "wardround raised "
"""Begins what is said of an error: its class and its message follow as JSON."""


def enter(config: Mapping[str, Any]) -> None:
    """Take our packages from `root`, where the driver has them, and run a function of them with its argument.

    Raises RuntimeError that names the class and, where it is ours, the message of what the function raised: the text of
    another may hold what must not leave the process.
    """
    claim(config["root"])
    module, _, name = config["function"].partition(":")
    try:
        getattr(import_module(module), name)(config["argument"])
    except Exception as error:  # noqa: BLE001 - told by class and place, and raised again by who started this
        from cluster.pool.actor import told  # noqa: PLC0415 - only from here on it is sure to be ours

        raise RuntimeError(RAISED + json.dumps(told(error))) from None


for _module in (__name__, claim.__module__):
    ray.cloudpickle.register_pickle_by_value(sys.modules[_module])
