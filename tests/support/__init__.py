"""Helpers that several rooms of tests share."""

import pytest

# as in a test module: a failed assertion shows what was compared
pytest.register_assert_rewrite(__name__)
