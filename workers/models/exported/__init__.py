"""Programs of torch.export (`.pt2`), read as data: nothing of torch's own loader is called."""
