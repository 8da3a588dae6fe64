"""Volumes: CT and MR series and files of three axes, prepared, segmented and measured on the grid of the original."""
