"""Model directories on bases and residues."""
