"""Files, functions and shells stay small enough to read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import APPS, Function, Module, lines_of, lines_of_body, modules, program

FILE_LINES = 400
FUNCTION_LINES = 70
BUDGETS = {"view": 25, "API class": 30, "task": 10, "consumer method": 15, "admin action": 10}


def test_no_file_is_longer_than_four_hundred_lines():
    long = [f"{module.path} ({count})" for module in modules() if (count := module.text.count("\n")) > FILE_LINES]
    assert long == []


def test_no_function_is_longer_than_seventy_lines():
    long = [
        module.at(function, function.name, lines_of(function))
        for module in modules()
        for function in module.functions
        if lines_of(function) > FUNCTION_LINES
    ]
    assert long == []


def shells(module: Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The shells of one module, each with the name of its budget."""
    stem, top = module.path.stem, module.tree.body
    if stem.startswith("views"):
        yield from (("view", node) for node in top if isinstance(node, ast.FunctionDef))
    if stem == "api":
        yield from (("API class", node) for node in top if isinstance(node, ast.ClassDef))
    if stem == "tasks":
        yield from (("task", node) for node in top if isinstance(node, ast.FunctionDef))
    if stem == "consumers":
        yield from (("consumer method", node) for node in module.functions)
    if stem == "admin":
        yield from (("admin action", node) for node in module.functions if _is_action(node))


def _is_action(function: Function) -> bool:
    return any("action" in ast.unparse(decorator) for decorator in function.decorator_list)


@pytest.mark.parametrize("kind", BUDGETS)
def test_a_shell_parses_authorises_calls_one_service_and_renders(kind: str):
    found = [
        (lines_of_body(node), module.at(node, node.name))
        for module in program()
        if module.room in APPS and "engine" not in module.path.parts
        for name, node in shells(module)
        if name == kind
    ]
    assert found, f"no {kind} was found: does this test still look in the right place?"
    assert [(where, size) for size, where in found if size > BUDGETS[kind]] == []
