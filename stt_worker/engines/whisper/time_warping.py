"""Dynamic time warping: aligns rows to columns, both in their order, at the least total cost. Pure.

Gives the path of ``whisper.timing.dtw_cpu``. numba compiles that one as a parallel program: its first call takes
seconds, and sets the number of OpenMP threads of the calling thread, which torch uses too, to the number of cores.
"""

import numpy as np
from numpy.typing import NDArray


def first_columns(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the column in which each row begins on the cheapest path from the first cell to the last.

    A step of the path goes to the next column, to the next row, or to both.

    Args:
        costs: of each cell, shape (rows, columns), neither of them 0.
    """
    totals = _least_totals(costs)
    starts = np.zeros(len(costs), dtype=np.int64)
    column = costs.shape[1] - 1
    for row in range(len(costs) - 1, 0, -1):
        here, above = totals[row], totals[row - 1]
        while column and here[column - 1] <= min(above[column - 1], above[column]):
            column -= 1
        starts[row] = column
        if column and above[column - 1] < above[column]:
            column -= 1
    return starts


def _least_totals(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the total cost of the cheapest path to each cell.

    A row is entered once and left for the right: its total at a column is the sum of its costs up to there, plus the
    least of what the path costs where it enters the row, minus the sum of the row's costs before that.
    """
    sums = costs.cumsum(axis=1)
    before = sums - costs
    totals = np.empty_like(costs)
    totals[0] = sums[0]
    for row in range(1, len(costs)):
        entry = totals[row - 1].copy()
        np.minimum(entry[1:], totals[row - 1, :-1], out=entry[1:])
        totals[row] = sums[row] + np.minimum.accumulate(entry - before[row])
    return totals
