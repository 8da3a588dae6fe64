"""Whether the plugins of installed packages can be used, for `wardround doctor`."""

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.registry import job_kind
from schemas.errors import MissingExtraError, PluginError
from schemas.loading import nearest
from workers import plugins, registry
from workers.lookup import Names, Room
from workers.plugins import Plugin
from workers.prepare_list import StepTable


def examine_plugins() -> Iterator[tuple[Plugin, str | None]]:
    """Each plugin, and what is wrong with it. Imports them all, with what they import."""
    for plugin in plugins.installed():
        try:
            yield plugin, _problem(plugin)
        except (PluginError, MissingExtraError) as error:
            yield plugin, str(error)


def _problem(plugin: Plugin) -> str | None:
    if plugin.group not in plugins.GROUPS:
        return f"there is no such group{nearest(plugin.group, plugins.GROUPS)}"
    if plugin.group == plugins.JOBS:
        job_kind(plugin.name)
        return None
    if plugin.group == plugins.COLLECTIONS:
        registry.collections().load(plugin.name)
        return None
    collection, _, name = plugin.name.partition(".")
    if not name:
        return f"its name has no collection: call it 'images.{collection}' or the like"
    if collection not in registry.collections():
        return f"there is no collection {collection!r}{nearest(collection, registry.collections())}"
    known = _known(plugin.group, collection)
    if name not in known:
        return f"collection {collection!r} has prepare steps of its own only"
    known[name].load() if isinstance(known, Names) else known[name]
    return None


def _known(group: str, collection: str) -> Mapping[str, object]:
    if group == plugins.NETWORKS:
        return registry.networks(collection)
    if group == plugins.FORMATS:
        return registry.formats(collection)
    table: StepTable[Any] | None = Room(registry.collections()[collection]).find("steps", "STEPS")
    return {} if table is None else table
