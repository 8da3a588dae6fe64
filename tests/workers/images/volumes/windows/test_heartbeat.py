"""A volume of many windows is no record that hangs: every pass is heard."""

from __future__ import annotations

from tests.support.volume_windows import Net, card, run, unet, volume
from workers.heartbeat import Heartbeat
from workers.images.volumes.card import Windows


class Counted(Heartbeat):
    """Counts what it hears."""

    beats = 0

    def beat(self, records: int = 1) -> None:
        """One more."""
        self.beats += 1


def test_every_pass_of_windows_is_heard_by_the_worker() -> None:
    heart = Counted()
    model = Net(unet(), card(Windows(roi=(8, 8, 8), overlap=(0, 0, 0))))
    with heart.heard():
        run(model, [volume(32, 8, 8)], batch=1)
    assert heart.beats >= 4
