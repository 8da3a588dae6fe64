"""From the objects of an input to planned volumes: what the stages before `predict` read, commit and plan from."""
