"""How precisely a time is known, and by when what it dates has certainly happened: `time_precision`, `known_at`.

A source may know the day of an event and not its hour. MEDS has one moment for each event, so a converted dataset has
two columns more: an event with a day alone stands at the start of that day, `time_precision` says that only the day is
known, and `known_at` is where that day ends. Whoever predicts takes an event as known from `known_at` on, where there
is one (`workers.ehr.events.asof`).
"""

DAY, MONTH, YEAR = "day", "month", "year"
"""The source said a date, or part of one."""
MIDNIGHT = "midnight"
"""The source said 00:00:00 of its own clock: that moment, or the whole day as many systems write it."""

TIME_PRECISION = "time_precision"
KNOWN_AT = "known_at"
"""Columns of a converted dataset; null where the source said a moment."""
