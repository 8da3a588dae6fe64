"""From the grid that a network saw back to the grid that was read: the inverse of the prepare steps of volumes.

`slabs.LabelSlabs` is fed what windows finish, slab by slab; `whole` takes all of it at once. All but `decision` import
torch.
"""
