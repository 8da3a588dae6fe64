"""Training networks on bases: what they are shown is the sequence as the reader of `predict` gives it."""
