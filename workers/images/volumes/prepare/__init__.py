"""Prepare steps of volumes: from a volume as it was read to the one that a network sees. One file a step; none imports
torch before it is used."""
