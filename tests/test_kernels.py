"""The compiled kernels: what is promised of all of them. What each finds is tested where it is used, against slow loops."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from graphdet import _kernels

STUB = Path(_kernels.__file__).parent / "_kernels.pyi"


def test_the_stub_lists_every_kernel_and_its_arguments() -> None:
    _same(ast.parse(STUB.read_text(encoding="utf-8")).body, _kernels)


def _same(stub: list[ast.stmt], thing: object) -> None:
    """What a module or a class has is what its stub says, and takes the same arguments."""
    functions = {node.name: [argument.arg for argument in node.args.args] for node in stub if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node.body for node in stub if isinstance(node, ast.ClassDef)}
    values = {node.target.id for node in stub if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    public = {name for name in dir(thing) if not name.startswith("_")}
    assert public == {name for name in {*functions, *classes, *values} if not name.startswith("_")}
    for name, arguments in functions.items():
        signature = getattr(thing, name).__doc__.splitlines()[0]
        assert [part.split(":")[0].strip() for part in _split(signature)] == arguments, signature
    for name, body in classes.items():
        _same(body, getattr(thing, name))


def _split(signature: str) -> list[str]:
    """Arguments of a signature such as `f(a: ndarray[dtype=int64, shape=(*)], b: int) -> int`."""
    inside, depth, parts = signature[signature.index("(") + 1 :], 0, [""]
    for letter in inside:
        if letter == ")" and depth == 0:
            break
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]


def test_a_kernel_takes_no_other_type_and_no_gaps() -> None:
    offset, time = np.array([0, 4]), np.arange(4, dtype=np.int32)
    assert [found.tolist() for found in _kernels.fullest(offset, time, 1)] == [[0], [2]]
    for wrong in (time.astype(np.int64), np.arange(8, dtype=np.int32)[::2], time.reshape(2, 2)):
        with pytest.raises(TypeError):
            _kernels.fullest(offset, wrong, 1)
    with pytest.raises(ValueError, match="offset must rise and cut"):
        _kernels.fullest(np.array([0, 5]), time, 1)
