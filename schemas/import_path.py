"""Take our packages from where they lie, whatever else is called `jobs`, `workers`, `cluster` or `schemas`.

The working directory and PYTHONPATH come before the standard library and the installed packages on Python's path, so a
folder or a file of the user's with an ordinary name takes the place of a module that is meant. In processes that are
ours alone the path is put in another order.

Ray's workers get the functions of this module by value, before any module of ours can be found there: it imports and
names nothing but what Python itself has loaded at its start.
"""

import os
import sys
from collections.abc import Iterable

PACKAGES = ("jobs", "workers", "cluster", "schemas")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder that this process took our packages from: a checkout, or the site-packages of an installation."""


def arranged(path: Iterable[str], root: str) -> list[str]:
    """`path` with the standard library first, then `root`, installed packages, and last everything else.

    Each of these keeps its order, an empty entry becomes the working directory, and what is there twice is there once.
    """
    library = os.path.dirname(os.__file__)
    zipped = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    ranks: tuple[list[str], list[str], list[str], list[str]] = ([], [root], [], [])
    for entry in (entry or os.getcwd() for entry in path):
        if os.path.basename(entry) in ("site-packages", "dist-packages"):
            ranks[2].append(entry)
        elif entry == library or os.path.basename(entry) in (zipped, "lib-dynload"):
            ranks[0].append(entry)
        else:
            ranks[3].append(entry)
    return list(dict.fromkeys(entry for rank in ranks for entry in rank))


def claim(root: str) -> None:
    """Arrange this process's path around `root`, and forget packages of our names that came from elsewhere.

    Where `root` does not hold our packages (a node of a cluster with an installation of its own), those that lie on
    the path are taken. Only for a process that is ours alone.
    """
    holds = os.path.join("schemas", "import_path.py")
    places = [place for place in [root, *arranged(sys.path, root)] if os.path.isfile(os.path.join(place, holds))]
    if not places:
        return
    sys.path[:] = arranged(sys.path, places[0])
    home = os.path.realpath(places[0])
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            origin = os.path.realpath(getattr(module, "__file__", None) or "")
            if not origin.startswith(os.path.join(home, "")):
                del sys.modules[name]


def python_path() -> str:
    """PYTHONPATH for a Python process that this one starts, so that it finds what this one finds, in our order.

    The entries are this process's own: a cluster adds to them at run time what the environment does not say. Start it
    with `-P`, or the working directory comes before them.
    """
    return os.pathsep.join(arranged(sys.path, ROOT))
