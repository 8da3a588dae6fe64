"""Folders of models that nnU-Net v2 trained, read without its package."""
