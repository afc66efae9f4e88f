"""Tests, and in `tests.kit` what several of them share; an assertion that fails there says what it saw."""

import pytest

pytest.register_assert_rewrite("tests.kit")
