"""Nothing that a person can type ends in an internal error, an abort or a hang: the corpus of mistakes.

`python -m tests.support.mistakes` prints the table; `--repeat 20 --forked` tries each twenty times as a process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.mistakes.corpus import Mistake, corpus
from tests.support.mistakes.trying import Ending, attempt, forget_worlds, make

CORPUS = corpus()
HERE = [mistake for mistake in CORPUS if not mistake.alone]
ON_LABELS = [mistake for mistake in HERE if mistake.area in ("evaluate", "train")]
QUICK = [
    *(mistake for mistake in HERE if mistake.base in ("images", "table", "fhir") and mistake.area in ("spec", "uri")),
    *ON_LABELS[::4],
]
"""One collection stands for all, and a quarter of what is done wrong with labels, but where everything is tried."""
ALONE = [mistake for mistake in CORPUS if mistake.alone]
ENOUGH_S = 8.0
"""Who waits by design, for a bucket or a cluster, waits so long and not twenty times."""
CHEAP = [mistake for mistake in HERE if not mistake.as_user and mistake.base in ("images", "table", "fhir")]
"""Those of a few seconds as a process: ways to the end of the interpreter are the same in every collection."""


@pytest.fixture(scope="module", autouse=True)
def _worlds() -> Iterator[None]:
    yield
    forget_worlds()


def test_the_corpus_has_mistakes_of_every_kind() -> None:
    areas = {"spec", "uri", "table", "model", "credentials", "extras", "permissions", "disk", "cluster"}
    areas |= {"evaluate", "train"}
    assert {mistake.area for mistake in CORPUS} == areas
    assert len(CORPUS) > 410
    assert len({str(mistake) for mistake in CORPUS}) == len(CORPUS)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own, which nobody else may enter."""
    with TemporaryDirectory(prefix="wr-mistake-") as name:
        yield Path(name)


@pytest.mark.parametrize("mistake", QUICK, ids=str)
def test_it_ends_with_one_sentence_that_names_the_thing_and_the_remedy(mistake: Mistake, folder: Path) -> None:
    make(mistake, folder)
    for ending in attempt(mistake, folder):
        assert ending.faults(mistake) == [], ending


@pytest.mark.long
@pytest.mark.parametrize("mistake", HERE, ids=str)
def test_it_ends_so_every_time(mistake: Mistake, folder: Path) -> None:
    make(mistake, folder)
    began = time.monotonic()
    endings: list[Ending] = []
    while len(endings) < 20 and (len(endings) < 3 or time.monotonic() - began < ENOUGH_S):
        endings += attempt(mistake, folder)
    assert [ending for ending in endings if ending.faults(mistake)] == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mistake", ALONE, ids=str)
def test_a_process_of_its_own_ends_so(mistake: Mistake, folder: Path) -> None:
    make(mistake, folder)
    for ending in attempt(mistake, folder):
        assert ending.faults(mistake) == [], ending


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mistake", CHEAP, ids=str)
def test_a_process_of_its_own_ends_without_an_abort_every_time(mistake: Mistake, folder: Path) -> None:
    """An interpreter that is ending may abort, which no command within this process can show.
    `python -m tests.support.mistakes --forked --repeat 20` tries more, `--alone` with all imports."""
    make(mistake, folder)
    endings = [ending for _ in range(3) for ending in attempt(mistake, folder, alone=True, forked=True)]
    assert [ending for ending in endings if ending.faults(mistake)] == []
