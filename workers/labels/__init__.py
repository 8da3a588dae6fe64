"""Tables of what is true of records or persons, as evaluations and trainings read them: the same way."""
