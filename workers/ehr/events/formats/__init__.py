"""Model directories on events."""
