"""Measured figures that a model file keeps."""

from dataclasses import asdict
from typing import Any, Self


class Measured:
    """Base of frozen dataclasses of numbers and of tuples of numbers."""

    def as_dict(self) -> dict:
        """The figures as plain values, for a file."""
        return asdict(self)  # type: ignore[call-overload]  # a subclass is a dataclass

    @classmethod
    def from_dict(cls, figures: dict) -> Self:
        """What :meth:`as_dict` gave, also after JSON made lists of the tuples."""
        tuples: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in figures.items()
        }
        return cls(**tuples)
