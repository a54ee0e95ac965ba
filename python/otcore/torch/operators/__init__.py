"""Operators of torch: what compilers and transforms see of otcore, one file per room.

An operator takes and returns tensors and numbers. It checks its arguments when it runs, so that
nothing that depends on data, not even a bad shape, is found out while a graph is traced.
"""
