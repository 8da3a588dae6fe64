"""Hugging Face text models, whatever the text is: notes, SMILES."""
