"""Decoding in child processes: no torch, arrays in shared memory, a crash names its record. Linux only.

`ChildPool` runs Python-heavy decoders, `InlinePool` those that release the GIL; both take chunks of records and give
one result a record, in order. A `workers.children` process imports neither torch nor ray.
"""
