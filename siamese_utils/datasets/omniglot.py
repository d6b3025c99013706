"""Omniglot: 1,623 characters of 50 alphabets, each drawn once by 20 people (Lake et al. 2015)."""

import io
import re
import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from .omniglot_tables import CONTENT, IMAGE_SIZE, N_DRAWERS, SOURCES, SUBSETS
from .sources import locate, memory_mapped, reading, verify_content


@dataclass(frozen=True)
class Omniglot:
    """Characters of Omniglot (Lake et al. 2015), ordered by alphabet, character, drawer.

    Attributes
    ----------
    images : uint8 array (n, 105, 105, 1)
        1 = ink, 0 = paper. One byte for each pixel, because float32 would take four; batches
        are made float32 where they are used.
    labels : int array (n,)
        The character, numbered from 0 over ``character_names``.
    alphabets : int array (n,)
        Index into ``alphabet_names``.
    drawers : int array (n,)
        1 to 20. Drawer 3 of one alphabet need not be drawer 3 of another.
    alphabet_names, character_names : tuples of str
        A character is named ``"Greek/character05"``.

    Examples
    --------
    Two Greek characters and a Latin one, each by drawers 1 and 2; images of one pixel:

    >>> data = Omniglot(
    ...     images=np.zeros((6, 1, 1, 1), "uint8"),
    ...     labels=np.array([0, 0, 1, 1, 2, 2]),
    ...     alphabets=np.array([0, 0, 0, 0, 1, 1]),
    ...     drawers=np.array([1, 2, 1, 2, 1, 2]),
    ...     alphabet_names=("Greek", "Latin"),
    ...     character_names=("Greek/character01", "Greek/character02", "Latin/character01"),
    ... )
    >>> latin = data.select(["Latin"], drawers=[2])
    >>> len(data), latin.labels.tolist(), latin.character_names
    (6, [0], ('Latin/character01',))
    >>> latin.join(data.select(["Greek"])).labels.tolist()
    [0, 1, 1, 2, 2]
    """

    images: np.ndarray
    labels: np.ndarray
    alphabets: np.ndarray
    drawers: np.ndarray
    alphabet_names: tuple[str, ...]
    character_names: tuple[str, ...]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def select(
        self,
        alphabets: Collection[str] | None = None,
        drawers: Collection[int] | None = None,
    ) -> "Omniglot":
        """The images of some alphabets and some drawers, in the same order, relabelled from 0.

        Parameters
        ----------
        alphabets : collection of str
            Names out of ``alphabet_names``; None takes all.
        drawers : collection of int
            Numbers out of ``drawers``; None takes all.

        Returns
        -------
        Omniglot

        Raises
        ------
        ValueError
            For an alphabet or a drawer that is not here.
        """
        keep = np.ones(len(self), bool)
        if alphabets is not None:
            _require(alphabets, self.alphabet_names, "alphabet")
            keep &= np.isin(self.alphabets, [self.alphabet_names.index(a) for a in alphabets])
        if drawers is not None:
            _require(drawers, np.unique(self.drawers).tolist(), "drawer")
            keep &= np.isin(self.drawers, list(drawers))
        alphabet_ids, new_alphabets = np.unique(self.alphabets[keep], return_inverse=True)
        label_ids, new_labels = np.unique(self.labels[keep], return_inverse=True)
        return Omniglot(
            self.images[keep],
            new_labels,
            new_alphabets,
            self.drawers[keep],
            tuple(self.alphabet_names[i] for i in alphabet_ids),
            tuple(self.character_names[i] for i in label_ids),
        )

    def join(self, other: "Omniglot") -> "Omniglot":
        """These images, then those of another set, relabelled on from these.

        Parameters
        ----------
        other : Omniglot

        Returns
        -------
        Omniglot

        Raises
        ------
        ValueError
            If an alphabet is in both: its characters would get two labels.
        """
        shared = sorted(set(self.alphabet_names) & set(other.alphabet_names))
        if shared:
            raise ValueError(f"alphabet {shared[0]!r} is in both sets; join disjoint alphabets")
        return Omniglot(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels + len(self.character_names)]),
            np.concatenate([self.alphabets, other.alphabets + len(self.alphabet_names)]),
            np.concatenate([self.drawers, other.drawers]),
            self.alphabet_names + other.alphabet_names,
            self.character_names + other.character_names,
        )


def _require(wanted: Collection, present: Collection, kind: str) -> None:
    for item in wanted:
        if item not in present:
            raise ValueError(f"no {kind} {item!r} here; there are {', '.join(map(str, present))}")


def load_omniglot(subset: str = "background") -> Omniglot:
    """Load one of the sets of images of Omniglot (Lake et al. 2015).

    The first load decodes some ten thousand files, in seconds; later ones map the decoded
    copy in the user's cache, read-only.

    Parameters
    ----------
    subset : {"background", "evaluation", "small1", "small2"}
        30 alphabets for training, 20 for evaluation, or one of the two "minimal"
        training sets of five alphabets each, which are part of the 30.

    Returns
    -------
    Omniglot

    Raises
    ------
    ValueError
        For an unknown subset.
    DataError
        If the file cannot be found, downloaded, read or trusted.

    Examples
    --------
    It needs the file of the set, and downloads it where there is none (1 to 8 MB):

    >>> data = load_omniglot("small1")  # doctest: +SKIP
    >>> data.images.shape, data.alphabet_names[:3]  # doctest: +SKIP
    ((2720, 105, 105, 1), ('Balinese', 'Early_Aramaic', 'Greek'))

    Another name is refused first:

    >>> load_omniglot("training")
    Traceback (most recent call last):
        ...
    ValueError: unknown subset 'training'; expected one of background, evaluation, small1, small2
    """
    if subset not in SUBSETS:
        raise ValueError(f"unknown subset {subset!r}; expected one of {', '.join(SUBSETS)}")
    counts = SUBSETS[subset]
    images = memory_mapped(f"omniglot-{subset}", CONTENT[subset], partial(_decode_images, subset))
    characters = list(counts.values())
    n_characters = sum(characters)
    return Omniglot(
        images,
        np.repeat(np.arange(n_characters), N_DRAWERS),
        np.repeat(np.repeat(np.arange(len(counts)), characters), N_DRAWERS),
        np.tile(np.arange(1, N_DRAWERS + 1), n_characters),
        tuple(counts),
        tuple(f"{a}/character{c:02d}" for a, n in counts.items() for c in range(1, n + 1)),
    )


def decode_character(png: bytes) -> np.ndarray:
    """A character as uint8 (105, 105, 1) with ink = 1; the publisher's files have ink = 0."""
    with Image.open(io.BytesIO(png)) as image:
        return 1 - np.asarray(image.convert("1"), np.uint8)[:, :, None]


def _decode_images(subset: str) -> np.ndarray:
    """Decode and verify all images of a subset, in the order of its alphabets."""
    path = locate(SOURCES[subset])
    with reading(path), zipfile.ZipFile(path) as archive:
        members = _members(archive.namelist(), SUBSETS[subset])
        images = np.empty((len(members), IMAGE_SIZE, IMAGE_SIZE, 1), np.uint8)
        for i, member in enumerate(members):
            images[i] = decode_character(archive.read(member))
    verify_content(path, [images], CONTENT[subset])
    return images


def _members(names: Iterable[str], counts: dict[str, int]) -> list[str]:
    """The archive's image files by alphabet, character, drawer; complete or a ``ValueError``."""
    found = {}
    for name in names:
        match = re.search(r"([^/]+)/character(\d+)/\d+_(\d+)\.png$", name)
        if match:
            found[match[1], int(match[2]), int(match[3])] = name
    expected = [
        (alphabet, character, drawer)
        for alphabet, n in counts.items()
        for character in range(1, n + 1)
        for drawer in range(1, N_DRAWERS + 1)
    ]
    missing = [key for key in expected if key not in found]
    if missing or len(found) != len(expected):
        example = ""
        if missing:
            example = ", for example {}/character{:02d} by drawer {}".format(*missing[0])
        raise ValueError(
            f"{len(found)} images, expected {len(expected)}; {len(missing)} missing{example}"
        )
    return [found[key] for key in expected]
