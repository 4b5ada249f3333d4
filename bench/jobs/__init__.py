"""Job systems on a local Redis, each with a job that does nothing.

Every module has `enqueue(count)`, `workers()`, the command lines of two worker processes, and
`waiting()`, how many jobs are still in Redis. REDIS_PORT tells where that is.
"""
