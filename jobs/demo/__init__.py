"""Whole runs on this machine, on a real S3 server: one module an act."""
