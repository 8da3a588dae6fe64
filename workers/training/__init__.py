"""Fitting a network to labelled examples: one trainer for every collection, which resumes to the bit."""
