"""What only the book needs: the set-up of a chapter, its settings, its record, its tables."""

from .answers import pack_answers, unpack_answers
from .emoji import write_emoji
from .letters import write_letters
from .parameters import check_parameters
from .profiles import PROFILES, settings
from .records import provenance, read_record, store_record, write_record
from .set_up import set_up
from .tables import markdown_table

__all__ = [
    "PROFILES",
    "check_parameters",
    "markdown_table",
    "pack_answers",
    "provenance",
    "read_record",
    "set_up",
    "settings",
    "store_record",
    "unpack_answers",
    "write_emoji",
    "write_letters",
    "write_record",
]
