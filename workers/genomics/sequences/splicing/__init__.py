"""What splice models make of a variant: in which genes it lies, and which sites it makes or unmakes there."""
