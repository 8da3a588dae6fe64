"""Fine-tuning transformers' models of text, for every collection whose records are shown as texts."""
