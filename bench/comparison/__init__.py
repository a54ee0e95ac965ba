"""Side by side with other libraries: what `peers.py` runs.

`contest` says what a comparison is and runs one, `machine` and `memory` measure, `report` prints.
Each room of the library has a module of its own with a function ``contests()``.
"""
