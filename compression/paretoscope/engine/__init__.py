"""The engine: what makes and measures queued trials, apart from any page.

`client` asks for it, `supervisor` is its process, `scheduler` spreads trials over Dask workers,
`pipeline` carries one trial out inside a worker, `cache` keeps what stages made.
"""
