"""Splits by class: what is tested on was never trained on."""

from collections.abc import Collection, Iterable

import numpy as np

from .._checks import class_labels, require_generator, whole_number
from .omniglot import Omniglot
from .omniglot_tables import EVALUATION_ALPHABETS, RUN_ALPHABETS

OTHER_ALPHABETS = tuple(name for name in EVALUATION_ALPHABETS if name not in RUN_ALPHABETS)
TRACKS = ("original", "augmented")


def track(name: str, background: Omniglot, evaluation: Omniglot) -> Omniglot:
    """The images to train on before the official runs.

    Parameters
    ----------
    name : {"original", "augmented"}
        "original" is the 30 background alphabets; "augmented" is 40, with the ten
        evaluation alphabets that are in no official run.
    background, evaluation : Omniglot
        As :func:`load_omniglot` returns them.

    Returns
    -------
    Omniglot

    Raises
    ------
    ValueError
        For an unknown track, or for sets that would put a run alphabet into training.

    Examples
    --------
    With one character of each alphabet, by 20 drawers, and images of one pixel:

    >>> from siamese_utils.datasets.omniglot_tables import BACKGROUND_ALPHABETS
    >>> def one_character_of(names):
    ...     label = np.repeat(np.arange(len(names)), 20)
    ...     by = np.tile(np.arange(1, 21), len(names))
    ...     images = np.zeros((len(label), 1, 1, 1), "uint8")
    ...     return Omniglot(images, label, label, by, tuple(names), tuple(names))
    >>> background = one_character_of(BACKGROUND_ALPHABETS)
    >>> evaluation = one_character_of(EVALUATION_ALPHABETS)
    >>> [len(track(name, background, evaluation).alphabet_names) for name in TRACKS]
    [30, 40]
    """
    if name not in TRACKS:
        raise ValueError(f"unknown track {name!r}; expected one of {', '.join(TRACKS)}")
    _refuse_run_alphabets(background)
    if name == "original":
        return background
    return background.join(evaluation.select(OTHER_ALPHABETS))


def koch_split(background: Omniglot, evaluation: Omniglot) -> dict[str, Omniglot]:
    """Split 50 alphabets and 20 drawers as Koch et al. (2015, section 4.2): 30/10/10 and 12/4/4.

    The paper gives these numbers, not the names. Here "train" is the 30 background
    alphabets by drawers 1 to 12; "validation" the ten evaluation alphabets in no official
    run, by drawers 13 to 16; "test" the ten alphabets of the official runs, by drawers 17
    to 20. The runs themselves are drawn by drawers 1 to 8. A drawer's number is counted
    within an alphabet, so the drawers of the three parts need not be different people.

    Parameters
    ----------
    background, evaluation : Omniglot
        As :func:`load_omniglot` returns them.

    Returns
    -------
    dict of str to Omniglot
        "train", "validation" and "test".

    Raises
    ------
    ValueError
        For sets that would put a run alphabet into training.

    Examples
    --------
    With one character of each alphabet, by 20 drawers, and images of one pixel, there are
    30 x 12 images to train on, and 10 x 4 in each of the other parts:

    >>> from siamese_utils.datasets.omniglot_tables import BACKGROUND_ALPHABETS
    >>> def one_character_of(names):
    ...     label = np.repeat(np.arange(len(names)), 20)
    ...     by = np.tile(np.arange(1, 21), len(names))
    ...     images = np.zeros((len(label), 1, 1, 1), "uint8")
    ...     return Omniglot(images, label, label, by, tuple(names), tuple(names))
    >>> background = one_character_of(BACKGROUND_ALPHABETS)
    >>> evaluation = one_character_of(EVALUATION_ALPHABETS)
    >>> {part: len(data) for part, data in koch_split(background, evaluation).items()}
    {'train': 360, 'validation': 40, 'test': 40}
    """
    _refuse_run_alphabets(background)
    return {
        "train": background.select(drawers=range(1, 13)),
        "validation": evaluation.select(OTHER_ALPHABETS, range(13, 17)),
        "test": evaluation.select(RUN_ALPHABETS, range(17, 21)),
    }


def _refuse_run_alphabets(background: Omniglot) -> None:
    shared = sorted(set(background.alphabet_names) & set(RUN_ALPHABETS))
    if shared:
        raise ValueError(
            f"the background set holds {shared[0]!r}, an alphabet of the official runs; "
            'pass load_omniglot("background") first, then load_omniglot("evaluation")'
        )


def split_alphabets(
    data: Omniglot, n_validation: int, rng: np.random.Generator
) -> tuple[Omniglot, Omniglot]:
    """Set whole alphabets aside at random, to choose settings on: ``(train, validation)``.

    Parameters
    ----------
    data : Omniglot
    n_validation : int
        How many alphabets to set aside.
    rng : numpy Generator

    Returns
    -------
    train, validation : Omniglot
        Each relabelled from 0.

    Raises
    ------
    ValueError
        Unless both parts get an alphabet, and for an ``rng`` that is no generator.

    Examples
    --------
    Three alphabets of one image; one of them is set aside:

    >>> names, number = ("Greek", "Korean", "Latin"), np.arange(3)
    >>> images = np.zeros((3, 1, 1, 1), "uint8")
    >>> data = Omniglot(images, number, number, np.ones(3, int), names, names)
    >>> train, validation = split_alphabets(data, 1, np.random.default_rng(0))
    >>> train.labels.tolist(), validation.labels.tolist()
    ([0, 1], [0])
    >>> sorted(train.alphabet_names + validation.alphabet_names)
    ['Greek', 'Korean', 'Latin']
    """
    names = data.alphabet_names
    require_generator(rng)
    n_validation = whole_number(n_validation, "n_validation", 0)
    if not 0 < n_validation < len(names):
        raise ValueError(f"n_validation is {n_validation}; expected 1 to {len(names) - 1}")
    chosen = {names[i] for i in rng.choice(len(names), n_validation, replace=False)}
    return data.select([name for name in names if name not in chosen]), data.select(chosen)


def split_classes(
    labels: np.ndarray, held_out: Collection[int] | Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Hold some classes out: ``(rest, held_out)``, ascending indices into ``labels``.

    Parameters
    ----------
    labels : array (n,)
        Class of each example, as whole numbers or names.
    held_out : collection of classes
        Those to hold out.

    Returns
    -------
    rest : int array (n_rest,)
    held_out : int array (n - n_rest,)

    Raises
    ------
    ValueError
        For labels of another shape or type, for a class that has no example, and unless both
        parts get a class.

    Examples
    --------
    >>> rest, held_out = split_classes(np.array([7, 8, 9, 7]), held_out=[7])
    >>> rest.tolist(), held_out.tolist()
    ([1, 2], [0, 3])
    """
    labels = class_labels(labels)
    classes = np.unique(labels).tolist()
    if isinstance(held_out, str) or not isinstance(held_out, Iterable):
        raise ValueError(f"held_out is {held_out!r}; expected a collection, such as [{held_out!r}]")
    chosen = set(class_labels(list(held_out), what="held_out").tolist())
    unknown = sorted(chosen - set(classes))
    if unknown:
        raise ValueError(f"no class {unknown[0]!r} in the labels; there are {classes}")
    if not 0 < len(chosen) < len(classes):
        raise ValueError(
            f"held_out has {len(chosen)} of {len(classes)} classes; expected at least "
            "one, and one to remain"
        )
    out = np.isin(labels, list(chosen))
    return np.flatnonzero(~out), np.flatnonzero(out)


def class_folds(
    labels: np.ndarray, n_folds: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of classes for cross-validation: ``[(rest, held_out), …]``, indices into ``labels``.

    Each class is held out in exactly one fold, at random; the folds differ by one class
    at most. scikit-learn's ``GroupKFold`` balances examples instead of classes, and takes no
    NumPy generator.

    Parameters
    ----------
    labels : array (n,)
        Class of each example, as whole numbers or names.
    n_folds : int
    rng : numpy Generator

    Returns
    -------
    list of n_folds (rest, held_out)
        Int arrays, as from :func:`split_classes`.

    Raises
    ------
    ValueError
        For labels of another shape or type, unless ``n_folds`` is 2 to the number of classes,
        and for an ``rng`` that is no generator.

    Examples
    --------
    Three classes of two images, each held out once:

    >>> folds = class_folds(np.array([0, 0, 1, 1, 2, 2]), 3, np.random.default_rng(0))
    >>> sorted(held_out.tolist() for _, held_out in folds)
    [[0, 1], [2, 3], [4, 5]]
    """
    labels = class_labels(labels)
    require_generator(rng)
    classes = np.unique(labels)
    n_folds = whole_number(n_folds, "n_folds", 0)
    if not 2 <= n_folds <= len(classes):
        raise ValueError(f"n_folds is {n_folds}; expected 2 to {len(classes)}, one for each class")
    groups = np.array_split(rng.permutation(classes), n_folds)
    return [split_classes(labels, group.tolist()) for group in groups]
