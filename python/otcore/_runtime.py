"""What this build is, and how many threads it uses."""

from __future__ import annotations

from . import _core
from ._options import positive_int


def info() -> dict[str, object]:
    """Describe this build of otcore and how it runs here.

    Returns
    -------
    dict
        ``version``; ``isa``, the instruction set level in use; ``isa_compiled`` and
        ``isa_supported``, the levels in this build and those this processor can run (the
        environment variable ``OTCORE_ISA`` chooses one); ``threads``, how many a call uses by
        default; ``cuda``, whether there are GPU solvers; ``compiler``.

    Examples
    --------
    >>> import otcore
    >>> otcore.info()["version"] == otcore.__version__
    True
    """
    return _core.info()


def set_num_threads(n: int) -> None:
    """Set how many threads calls use that do not say, from now on and in this process.

    Without it the number is the smallest of the CPUs this process may use and the environment
    variables ``OTCORE_NUM_THREADS`` and ``OMP_NUM_THREADS``. For tensors `torch.get_num_threads`
    limits it, too. The results are the same for any number.

    Parameters
    ----------
    n
        At least 1.

    Examples
    --------
    >>> import otcore
    >>> before = otcore.info()["threads"]
    >>> otcore.set_num_threads(1)
    >>> otcore.info()["threads"]
    1
    >>> otcore.set_num_threads(before)
    """
    _core.set_num_threads(positive_int(n, "n", most=2**31 - 1))
