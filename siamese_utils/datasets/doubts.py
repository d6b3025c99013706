"""Images that may be read wrongly: they are gathered, and reported in one warning."""

from collections.abc import Iterable
from typing import NamedTuple

from .._warn import warn

N_NAMED = 10  # in a warning; a folder's report names all of them


class Doubt(NamedTuple):
    """What was found in an image, and what was expected, with the remedy."""

    found: str
    advice: str


Doubts = list[tuple[object, Doubt]]  # with the name of each image


def warn_of(doubts: Iterable[tuple[object, Doubt]]) -> None:
    """Warn once about all doubtful images: their names and what was found, by the advice."""
    named: dict[str, list[str]] = {}
    for name, doubt in doubts:
        named.setdefault(doubt.advice, []).append(f"{name} {doubt.found}")
    parts = []
    for advice, found in named.items():
        more = f"; and {len(found) - N_NAMED} more" if len(found) > N_NAMED else ""
        parts.append(f"{'; '.join(found[:N_NAMED])}{more}. {advice}")
    if parts:
        warn("\n".join(parts))
