"""The stages of a run over genotypes, and where their objects lie.

| stage | a record | what it leaves |
|---|---|---|
| `match` | a score, or a panel | rows: the summary; `matches/<model>/*.parquet`: the match log; entries: what counts |
| `count` | a range of variants | the cohort's counts of those that are read; not of a table, which has them |
| `score` | a sample | with `adjust`: all columns but adjusted ones |
| `fit` | a score | with `adjust`: mean, deviation, and what components expect |
| `predict` | a sample | the rows of the run |

`count` comes first where matching needs frequencies (`ambiguous: frequency`), and is then over all variants. Where no
missing call is filled from the cohort there is none.
"""

from collections.abc import Sequence

from schemas.run import Signpost
from workers.collection import PREDICT
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.steps import Steps

MATCHES = "matches/"
"""Where the match logs lie."""
MATCH = "match"
COUNT = "count"
SCORE = "score"
FIT = "fit"
FILE = "file"
"""Column of the entries of stage `match`: the place in its directory of the file that a row is of."""


SIGNPOSTS = (
    Signpost(title="matches", meaning="What became of every row of every scoring file", files=f"{MATCHES}*/*.parquet"),
    Signpost(title="scores", meaning="What became of every score", files=f"stages/{MATCH}/rows/*.parquet"),
)
"""What stage `match` leaves for readers."""


def stages_of(source: GenotypesInput, steps: Sequence[Steps], fills: bool) -> tuple[str, ...]:
    """The stages in their order, given the steps of every model. `fills`: missing calls are filled from the cohort."""
    by_frequency = any(one.match.ambiguous == "frequency" for one in steps)
    counted = [COUNT] if source.format != "table" and (fills or by_frequency) else []
    first = [*counted, MATCH] if by_frequency else [MATCH, *counted]
    adjusted = [SCORE, FIT] if any(one.adjust is not None for one in steps) else []
    return (*first, *adjusted, PREDICT)


def log_key(model: str, shard: int, part: int) -> str:
    """The match log of some files of a shard, or of a panel."""
    return f"{MATCHES}{model}/{shard:06d}-{part:03d}.parquet"


def entries_key(model: str, shard: int, part: int) -> str:
    """What counts of the same files, or which variants stand at which places of a panel."""
    return f"stages/{MATCH}/entries/{model}/{shard:06d}-{part:03d}.parquet"


def counts_key(shard: int) -> str:
    """Counts of one range of variants."""
    return f"stages/{COUNT}/counts/{shard:06d}.parquet"
