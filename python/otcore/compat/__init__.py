"""The calls of other libraries, answered by otcore's solvers: `otcore.compat.pot` for POT."""
