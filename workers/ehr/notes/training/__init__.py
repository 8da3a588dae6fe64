"""Training networks on notes: what they are shown is the text as the reader of `predict` cleans and cuts it."""
