"""What an installation with numpy alone must be able to do."""

import importlib.metadata
import os
import tempfile

import numpy as np

import otcore
import otcore.compat.pot

installed = {found.name.lower() for found in importlib.metadata.distributions()}
assert installed <= {"otcore", "numpy", "pip", "setuptools", "wheel"}, installed
assert otcore.__version__ == importlib.metadata.version("otcore")
print(otcore.info())

os.chdir(tempfile.gettempdir())
exact = otcore.solve([[0.0, 1.0], [1.0, 0.0]])
assert exact.value == 0.0, exact
rng = np.random.default_rng(0)
X, Y = rng.random((40, 3)), rng.random((50, 3)) + 1.0
bomb = otcore.minibatch.bomb_ot(X, Y, k=4, m=10, seed=0)
assert bomb.value > 0.0, bomb
assert otcore.compat.pot.emd2([], [], [[0.0, 1.0], [1.0, 0.0]]) == 0.0
print(exact, bomb, sep="\n")
