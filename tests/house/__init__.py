"""The structure of the source, measured: rooms, arrows, circles, copies. `python -m tests.house [ROOT]`."""
