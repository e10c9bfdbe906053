"""Every module says what it is for; names mean something; nothing of one machine or of anybody's secrets is kept."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.tree import ROOT, kept_files, modules, program

MEANINGLESS = {"utils", "util", "helpers", "helper", "misc", "common", "stuff"}
NEVER = {
    "a path of one machine": r"(?<![\w.])/(home|Users|root|work|mnt)/\w",
    "a package registry": r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|unpkg\.com|jsdelivr\.net|cdnjs\.\w+)\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]{40,}",
    "an access key": r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|sk-[A-Za-z0-9]{32,}|xox[bap]-[0-9A-Za-z-]{20,})\b",
    "a merge conflict": r"^(<{7}|>{7}) ",
}


def test_every_module_with_content_begins_by_saying_what_it_is_for():
    silent = [str(m.path) for m in modules() if m.text.strip() and not ast.get_docstring(m.tree)]
    assert silent == []


def test_no_module_is_named_for_nothing():
    nameless = [str(module.path) for module in modules() if {*module.path.parts[:-1], module.path.stem} & MEANINGLESS]
    assert nameless == []


@pytest.mark.parametrize("what", NEVER)
def test_no_kept_file_holds(what: str):
    pattern = re.compile(NEVER[what], re.MULTILINE)
    found = []
    for path in kept_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK|NotImplemented[E]rror)\b")  # which this line itself is not
    left = [f"{m.path}: {found.group()}" for m in program() for found in marks.finditer(m.text)]
    assert left == []


def test_what_swallows_every_exception_logs_it_and_says_why():
    """`except Exception` stands at a supervisor's seam only: it logs with the traceback, or raises again."""
    quiet = [
        module.at(node)
        for module in program()
        for node in module.of(ast.ExceptHandler)
        if _catches_all(node) and not _speaks(node)
    ]
    assert quiet == []


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}


def _speaks(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise) or "log.exception(" in ast.unparse(handler)


def test_tests_use_real_parts_only():
    fakes = re.compile(r"\b([A-Z]\w*Mock|mock\.[p]atch|unittest\.mock|monkeypatch\.[s]etattr)\b")
    found = [
        f"{module.path}: {match.group()}"
        for module in modules()
        if module.room == "tests" and module.path.parts[1] != "house"
        for match in fakes.finditer(module.text)
    ]
    assert found == []
