"""Every row of the fault matrix has its tests, by name, and each of them is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.house.fault_matrix import MATRIX
from tests.house.tree import modules

SIZES = {"H": 18, "O": 14, "W": 9, "K": 8, "D": 7, "R": 2, "C": 2, "T": 1, "M": 2, "U": 2}
A_ROW = re.compile(r"^\| ((?:[A-Z]\d\d)(?: [^|]*)?) \|", re.MULTILINE)
AN_ID = re.compile(r"\b[HOWKDRCTMU]\d\d\b")


@cache
def node_ids() -> frozenset[str]:
    """The node ids of all test functions."""
    return frozenset(
        f"{module.path}::{function.name}"
        for module in modules()
        if module.path.name.startswith("test_")
        for function in module.functions
        if function.name.startswith("test_")
    )


def test_every_row_of_the_list_is_here_and_no_other():
    assert list(MATRIX) == [f"{letter}{number:02}" for letter, size in SIZES.items() for number in range(1, size + 1)]


def test_the_list_is_the_designs_own(shared: Path):
    section = (shared / "design/ORDERS.md").read_text().split("### 5.3 ", 1)[1].split("### 5.8 ", 1)[0]
    told = {name for cell in A_ROW.findall(section) for name in AN_ID.findall(cell)}
    assert {"H06", "H07", "H09"} & told, "does this test still read the tables?"
    assert told <= set(MATRIX)
    assert set(MATRIX) - told <= {"H07", "H09"}, "the two that share a row with their neighbour"


def test_every_test_that_a_row_names_is_there():
    assert {name for row in MATRIX.values() for name in row.tests} - node_ids() == set()


def test_a_row_without_a_test_says_so():
    assert [name for name, row in MATRIX.items() if not row.tests and not row.left] == []
