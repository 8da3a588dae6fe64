"""How histories, which are encoded many at a time, come to be scored."""

from collections.abc import Iterator, Sequence

from schemas.errors import WardroundError
from workers.ehr.events.contract import EncodedHistories
from workers.pipeline.columns import ModelColumns
from workers.pipeline.holding import Unit
from workers.pipeline.reading import Prepared


def whole_parts(records: Sequence[Prepared], place: int, columns: ModelColumns) -> Iterator[Unit]:
    """A part of the reader is one unit: its first good record bears the `EncodedHistories` of all good ones.

    The scorer gives some value for records that are `refused` too; their rejection stands. A `workers.pipeline.holding`
    `TakeIn`.
    """
    rows = [record.row for record in records]
    borne: list[EncodedHistories] = [record.inputs[place] for record in records if record.inputs]
    encoded = sum(len(histories) for histories in borne)
    if encoded != len(rows):
        raise WardroundError(f"{encoded} of {len(rows)} records of a part were encoded: this is a bug")
    first = 0
    for histories in borne:
        own = rows[first : first + len(histories)]
        for record, fault in histories.refused.items():
            columns.reject(own[record], *fault)
        yield Unit(own, histories, histories.nbytes)
        first += len(own)
