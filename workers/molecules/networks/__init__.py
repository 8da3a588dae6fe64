"""Networks on fingerprints, one file each."""
