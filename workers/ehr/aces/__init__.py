"""Cohorts defined in ACES files: from the events of whole subjects to their prediction times and labels.

ACES is the Automatic Cohort Extraction System for event streams (Xu et al. 2024, arXiv:2406.19653). Files written for
es-aces 0.7 mean here what they mean there. `docs/aces.md` says which parts are read and the few places that differ.
"""
