"""`job: train` over volumes: what networks that mark structures are shown, and how they are fitted to it."""
