"""The engine: a process that makes and measures queued trials.

`client` starts and stops it, `supervisor` is its process, `scheduler` runs trials on Dask workers,
`pipeline` runs one trial inside a worker, and `cache` stores the results of stages.
"""
