"""Model directories on samples: panels of variants for a network, and scoring files."""
