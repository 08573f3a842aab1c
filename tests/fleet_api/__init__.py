import pytest

# as in a test module: a failed assertion shows what was compared
pytest.register_assert_rewrite(f"{__name__}.world")
