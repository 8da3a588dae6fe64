"""Model directories on molecules."""
