"""What to run, in which order, and when it is done: spec -> plan -> run -> manifest -> report."""
