"""The record of a run, with where it came from, and the tables that show one."""

from .records import provenance, read, store, write
from .tables import markdown_table

__all__ = ["markdown_table", "provenance", "read", "store", "write"]
