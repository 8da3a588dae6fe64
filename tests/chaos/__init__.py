"""Kill drivers and workers at random, give the same command again, and compare with an undisturbed run."""
