"""Kernels in tests."""

import numba


def for_python(kernel):
    """Return a function that Python can call, compiled from a kernel that only kernels call."""
    return numba.njit(_nrt=False)(getattr(kernel, "py_func", kernel))
