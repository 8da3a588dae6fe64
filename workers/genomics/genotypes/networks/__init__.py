"""Networks on a panel of encoded variants, one file each."""
