"""Networks on words, one file each."""
