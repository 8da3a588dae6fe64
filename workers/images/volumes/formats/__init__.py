"""One format of models on volumes, one file: what a directory holds, read without torch; beside it what loads it."""
