"""Helpers that several rooms of tests share."""

import pkgutil

import pytest

# as in a test module: a failed assertion shows what was compared
pytest.register_assert_rewrite(
    *(f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__))
)
