"""How tests ask for a value or the code it is refused with; any other exception is a failure."""

from collections.abc import Callable
from typing import Any

import pytest

from certledger.verifier.errors import CertledgerError


def tried(read: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """Return (value, None), or (None, code) where it is refused."""
    try:
        return read(*arguments), None
    except CertledgerError as refused:
        assert str(refused)  # noqa: PT017  # a refusal always says why
        return None, refused.code


def refused_as(read: Callable[..., Any], *arguments: Any) -> str:
    """Return the code that `read` refuses `arguments` with; it must refuse them."""
    with pytest.raises(CertledgerError) as refused:
        read(*arguments)
    return refused.value.code
