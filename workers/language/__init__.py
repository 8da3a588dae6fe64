"""Clinical language: cleaning, sections, sentences, tokens, entities and their context. Knows no collection."""
