"""What can be wrong with an expression, and the error that tells all of it."""

from __future__ import annotations

from dataclasses import dataclass

from cohortstats.errors import InputError

__all__ = ["ExpressionError", "ExpressionFault", "syntax_error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionFault:
    """One fault of an expression.

    Parameters
    ----------
    code
        ``expression-syntax``, ``expression-name``, ``expression-type``, ``expression-chain``, ``level-unknown`` or
        ``unit-mismatch``.
    position
        Character of the expression, counted from 1.
    message, mend
        One sentence of fact, one of advice.
    """

    code: str
    position: int
    message: str
    mend: str = ""


class ExpressionError(InputError):
    """An expression that cannot be read or does not fit the columns; ``faults`` holds every fault found.

    Examples
    --------
    >>> from cohortstats.expressions import parse_expression
    >>> try:
    ...     parse_expression("age = 62")
    ... except ExpressionError as error:
    ...     print(error.code, error.position, error)
    expression-syntax 5 position 5: '=' alone compares nothing. Write ==.
    """

    def __init__(self, faults: tuple[ExpressionFault, ...]) -> None:
        self.faults = faults
        super().__init__([f"{fault.message} {fault.mend}".strip() for fault in faults])

    @property
    def code(self) -> str:
        """Code of the first fault."""
        return self.faults[0].code

    @property
    def position(self) -> int:
        """Position of the first fault."""
        return self.faults[0].position

    @property
    def message(self) -> str:
        """Sentence of the first fault."""
        return self.faults[0].message


def syntax_error(position: int, reason: str, mend: str = "", code: str = "expression-syntax") -> ExpressionError:
    message = f"position {position + 1}: {reason}"
    return ExpressionError((ExpressionFault(code=code, position=position + 1, message=message, mend=mend),))
