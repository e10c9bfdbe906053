"""Where each row of the fault matrix (ORDERS.md §5.3 to §5.7) is proven: the row, what is expected of it, its tests.

In every row besides: no duplicate, nothing lost, nothing unaudited, both ledgers equal. That is what the seeded chaos
and the killed processes add wherever they can bring the row about. `left` says what no test proves, and why.
Invariant, kept by the test beside it: a row has a test, or says that it has none.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.fault_matrix_orders import HTTP, ORDERS
from tests.house.fault_matrix_running import BELOW, PROCESSES, STREAMS
from tests.house.fault_rows import Row

MATRIX: Mapping[str, Row] = {**HTTP, **ORDERS, **STREAMS, **PROCESSES, **BELOW}
