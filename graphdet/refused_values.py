"""What pydantic refuses → what the value must be, in this house's words."""

from __future__ import annotations

import re
from typing import Any

from graphdet.errors import nearest

# Each kind of refusal; {names} are what pydantic says with it. What is not here is told as pydantic has it.
_MUST = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a table, in {{ }}",
    "extra_forbidden": "is not known",
    "finite_number": "must be a number, and nan and inf are none",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_type": "must be a whole number",
    "json_invalid": "must be JSON ({error})",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list, in [ ]",
    "missing": "is missing",
    "model_type": "must be a table, with a line for each setting",
    "string_pattern_mismatch": "must be written as {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be a text",
    "too_long": "must have at most {max_length} values (found {actual_length})",
    "too_short": "must not be empty",
    "tuple_type": "must be a list, in [ ]",
    "value_error": "{error}",
}


def must(refusal: Any) -> str:
    """What a value must be, by one of the entries of a `ValidationError.errors()`: 'must be at most 1'."""
    kind, told = refusal["type"], refusal.get("ctx", {})
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", told["expected"])
        return f"must be {told['expected']}{nearest(str(refusal['input']), known)}"
    if kind in _MUST:
        return _MUST[kind].format(**{name: _number(value) for name, value in told.items()})
    says = str(refusal["msg"]).splitlines()[0]
    return re.sub(r"^Input should ", "must ", says)


def _number(value: Any) -> Any:
    """Numbers as people write them."""
    return f"{value:,.15g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
