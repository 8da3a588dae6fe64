"""Training networks over a panel of variants: what they are shown is what `predict` gathers of the same samples."""
