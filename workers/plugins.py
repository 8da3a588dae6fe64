"""What installed packages add to wardround, by their entry points: read once, imported only when it is asked for.

    [project.entry-points."wardround.networks"]
    "images.tiny" = "our_package.tiny"

Networks, formats and steps are named `collection.name`; collections and kinds of job have a plain name.
"""

import functools
import importlib
import traceback
from dataclasses import astuple, dataclass
from importlib import metadata
from types import ModuleType
from typing import Any

from schemas.errors import PluginError

NETWORKS = "wardround.networks"
FORMATS = "wardround.formats"
STEPS = "wardround.steps"
COLLECTIONS = "wardround.collections"
JOBS = "wardround.jobs"
GROUPS = (NETWORKS, FORMATS, STEPS, COLLECTIONS, JOBS)

_PREFIX = "wardround."
OURS = frozenset({"schemas", "cluster", "workers", "jobs"})
"""Packages that are wardround itself."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of an installed package. `target` is `module`, or `module:attribute`."""

    group: str
    name: str
    target: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.group} {self.name!r} of package {self.package} {self.version}"


@functools.cache
def installed() -> tuple[Plugin, ...]:
    """Every entry point in a group of ours, unknown groups too, by group and name. Takes milliseconds, once a process.

    A package that lies twice on the path counts where Python would import it from.
    """
    found: dict[str, list[Plugin]] = {}
    for package in metadata.distributions():
        ours = [entry for entry in package.entry_points if entry.group.startswith(_PREFIX)]
        if ours and package.name not in found:
            version = package.version
            found[package.name] = [Plugin(one.group, one.name, one.value, package.name, version) for one in ours]
    return tuple(sorted((plugin for many in found.values() for plugin in many), key=astuple))


def of_group(group: str, collection: str = "") -> dict[str, Plugin]:
    """The plugins of a group by their name, of one collection where the group goes by collection.

    Raises PluginError, naming both packages, where two have one name.
    """
    prefix = f"{collection}." if collection else ""
    found: dict[str, Plugin] = {}
    for plugin in installed():
        if plugin.group != group or not plugin.name.startswith(prefix):
            continue
        name = plugin.name.removeprefix(prefix)
        if name in found:
            raise PluginError(f"{found[name]} and {plugin} have one name: uninstall one of the packages")
        found[name] = plugin
    return found


def import_module(plugin: Plugin, module: str) -> ModuleType:
    """A module of the plugin's package. Raises PluginError, which names the package and what it lacks."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing and missing not in {module.partition(".")[0], *OURS}:
            raise PluginError(f"{plugin} needs package {missing!r}, which is not installed: install it") from error
        raise PluginError(f"{plugin} cannot be imported: {error}; reinstall or uninstall the package") from error
    except Exception as error:
        raise PluginError(f"{plugin} cannot be imported: {_first_line(error)}; {_place(error)}") from error


def owner(target: str) -> Plugin | None:
    """A plugin of the package that `target` is in; None where no plugin's is."""
    package = target.partition(":")[0].partition(".")[0]
    return next((one for one in installed() if one.target.partition(":")[0].partition(".")[0] == package), None)


def load(plugin: Plugin, target: str) -> Any:
    """What `target` names in the plugin's package. Raises PluginError."""
    module, _, attribute = target.partition(":")
    found: Any = import_module(plugin, module.strip())
    for name in filter(None, attribute.strip().split(".")):
        if not hasattr(found, name):
            raise PluginError(f"{plugin} cannot be loaded: {target} names nothing; reinstall the package")
        found = getattr(found, name)
    return found


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _place(error: Exception) -> str:
    trace = traceback.extract_tb(error.__traceback__)
    return f"correct it at {trace[-1].filename}:{trace[-1].lineno}, or uninstall the package"
