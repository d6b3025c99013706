"""Tables for pages and records."""

from typing import Any


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table with one row for each dict; the first row's keys are the header.

    Parameters
    ----------
    rows : list of dict
        At least one; a cell is written as ``str`` writes it.

    Returns
    -------
    str
        Lines without a line break at the end.

    Raises
    ------
    IndexError
        If there is no row.
    KeyError
        If a row lacks a key of the first one.

    Examples
    --------
    >>> print(markdown_table([{"distance": "L1", "accuracy": 0.5}]))
    | distance | accuracy |
    | --- | --- |
    | L1 | 0.5 |
    """
    header = list(rows[0])
    lines = [header, ["---"] * len(header), *([row[key] for key in header] for row in rows)]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
