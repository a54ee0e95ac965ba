"""What needs torch. Nothing outside this package imports it.

The functions of `otcore` take tensors and return tensors; importing this package is not needed for
that.
"""
