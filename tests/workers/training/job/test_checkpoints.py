from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import Store, open_store
from schemas.errors import FingerprintError
from tests.support.training import binary_trainer
from workers.models.tensor_files import with_metadata
from workers.training.job.checkpoints import Checkpoints, Superseded

FOLDER = "stages/fit/checkpoints/seed-1/"


@pytest.fixture(scope="module")
def states() -> list[bytes]:
    """Those of a short training, in their order."""
    kept: list[bytes] = []
    binary_trainer().run(None, kept.append)
    return kept


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def opened(store: Store, fingerprint: str = "a" * 64) -> Checkpoints:
    found = Checkpoints(store, FOLDER, fingerprint)
    found.newest()
    return found


def test_the_newest_is_the_one_to_go_on_from_and_two_are_kept(store: Store, states: list[bytes]) -> None:
    mine = opened(store)
    assert mine.newest() is None
    for number, state in enumerate(states):
        mine.put(state, float(number))
    newest = opened(store).newest()
    assert newest is not None
    assert (newest.number, newest.seconds) == (len(states), len(states) - 1.0)
    assert len(list(store.list(FOLDER))) == 2


def test_a_damaged_one_is_passed_over(store: Store, states: list[bytes]) -> None:
    mine = opened(store)
    mine.put(states[0], 1.0)
    mine.put(states[1], 2.0)
    store.put(f"{FOLDER}00000002.safetensors", states[1][:100], {})
    newest = opened(store).newest()
    assert newest is not None
    assert newest.number == 1
    mine = opened(store)
    mine.newest()
    mine.put(states[1], 3.0)
    again = opened(store).newest()
    assert again is not None
    assert again.number == 3


def test_the_slower_of_two_drivers_is_told_and_writes_nothing(store: Store, states: list[bytes]) -> None:
    first, second = opened(store), opened(store)
    first.put(states[0], 1.0)
    with pytest.raises(Superseded):
        second.put(states[1], 1.0)
    second.newest()
    second.put(states[1], 2.0)
    with pytest.raises(Superseded):
        first.put(states[1], 2.0)


def test_that_of_another_run_is_refused(store: Store, states: list[bytes]) -> None:
    opened(store).put(states[0], 1.0)
    with pytest.raises(FingerprintError, match="of another run"):
        Checkpoints(store, FOLDER, "b" * 64).newest()


def test_what_is_not_proved_ours_is_never_deleted(store: Store, states: list[bytes]) -> None:
    store.put(f"{FOLDER}00000001.safetensors", with_metadata(states[0], {"fingerprint": "b" * 64}), {})
    store.put(f"{FOLDER}00000002.safetensors", states[0], {})
    opened_by_name = Checkpoints(store, FOLDER, "a" * 64)
    opened_by_name.clear()
    assert len(list(store.list(FOLDER))) == 2
