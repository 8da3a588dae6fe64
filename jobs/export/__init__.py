"""Rows of a finished run in the formats of others: read over the wire a shard at a time, written beside the run."""
