"""Training networks on events: what they are shown is what the reader of `predict` gives."""
