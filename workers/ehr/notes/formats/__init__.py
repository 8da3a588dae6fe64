"""Model directories on notes that no other collection can score."""
