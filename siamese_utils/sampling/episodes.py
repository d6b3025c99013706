"""N-way one-shot episodes as index arrays: a query, and one support image of each class."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._checks import class_labels, require_generator, whole_number

# Of the trials that the book's main measure consists of.
_N_FIXED, _FIXED_SEED = 10_000, 2015


@dataclass(frozen=True)
class Episodes:
    """One-shot episodes, as indices into a data set.

    In :mod:`siamese_utils.evaluation` an episode is called a trial.

    Attributes
    ----------
    queries : int array (n_episodes,)
    supports : int array (n_episodes, n_way)
        One image of each of ``n_way`` classes.
    answers : int array (n_episodes,)
        The column of ``supports`` with the query's class; uniformly random.

    Examples
    --------
    One 2-way episode: the query is image 1, and of the support images, 2 and 0, the second is of
    its class.

    >>> labels = np.array([0, 0, 1, 1])
    >>> episodes = Episodes(np.array([1]), np.array([[2, 0]]), np.array([1]))
    >>> labels[episodes.queries].tolist(), labels[episodes.supports].tolist()
    ([0], [[1, 0]])
    """

    queries: np.ndarray
    supports: np.ndarray
    answers: np.ndarray


def draw_episodes(
    labels: np.ndarray,
    n_way: int,
    n_episodes: int,
    rng: np.random.Generator,
    *,
    drawers: np.ndarray | None = None,
    alphabets: np.ndarray | None = None,
) -> Episodes:
    """Draw one-shot episodes: to which of ``n_way`` classes does the query belong?

    Which drawer supplies which image depends on the information that the data set has:

    * ``alphabets`` and ``drawers``: as in the official runs of Lake et al. (2015), one
      drawer made all support images of an episode and another the query, both of the
      episode's alphabet.
    * ``drawers`` alone: the query is by another drawer than the support image of its class.
      The other support images are by anyone, because the drawers of different alphabets
      are different people even where their numbers are the same.
    * neither, as for MNIST: the query is another image than the support image of its class.
      The same holds with ``alphabets`` alone.

    Parameters
    ----------
    labels : int array (n,)
    n_way : int
        Classes in each episode, at least 2.
    n_episodes : int
    rng : numpy Generator
    drawers : int array (n,)
        Who drew each image.
    alphabets : array (n,) of str or int
        All classes of an episode are then of one alphabet. The alphabets take turns in a
        random order, so each has the same number of episodes, up to one. For one alphabet
        only, select its images first. Without it, classes of all images are drawn.

    Returns
    -------
    Episodes

    Raises
    ------
    ValueError
        If ``n_way`` is no whole number of at least 2, or ``n_episodes`` of at least 1; if ``rng``
        is no generator; if ``labels``, ``drawers`` and ``alphabets`` are not (n,) each; if an
        alphabet (or the whole set) has fewer than ``n_way`` classes, a class lacks the second
        drawer or image that a query needs, or, with ``alphabets`` and ``drawers``, not every
        class has one image by every drawer of its alphabet.

    Examples
    --------
    Two classes by two drawers each, in one alphabet. All support images are by one drawer,
    the query by the other:

    >>> labels, drawers = np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2])
    >>> rng = np.random.default_rng(0)
    >>> episodes = draw_episodes(labels, 2, 3, rng, drawers=drawers, alphabets=np.zeros(4))
    >>> by = drawers[episodes.supports]  # (episode, class)
    >>> bool(np.all(by[:, 0] == by[:, 1])), bool(np.all(by[:, 0] != drawers[episodes.queries]))
    (True, True)
    """
    labels = class_labels(labels)
    if drawers is not None:
        drawers = class_labels(drawers, len(labels), "drawers")
    if alphabets is not None:
        alphabets = class_labels(alphabets, len(labels), "alphabets")
    n_way = whole_number(n_way, "n_way", 2)
    n_episodes = whole_number(n_episodes, "n_episodes", 1)
    require_generator(rng)
    # Without drawers every image counts as by its own.
    by = np.arange(len(labels)) if drawers is None else drawers
    names, group = np.zeros(1, int), np.zeros(len(labels), int)
    if alphabets is not None:
        names, group = np.unique(alphabets, return_inverse=True)
    one_drawer = drawers is not None and alphabets is not None

    turns = np.resize(rng.permutation(len(names)), n_episodes)
    answers = rng.integers(n_way, size=n_episodes)
    queries, supports = np.empty(n_episodes, int), np.empty((n_episodes, n_way), int)
    for g, name in enumerate(names.tolist()):
        own, rows = np.flatnonzero(group == g), np.flatnonzero(turns == g)
        where = "the set" if alphabets is None else f"alphabet {name!r}"
        classes, class_of = np.unique(labels[own], return_inverse=True)
        if len(classes) < n_way:
            raise ValueError(
                f"{where} has {len(classes)} classes, but an episode needs n_way={n_way}. "
                "Lower n_way or select other images."
            )
        draws = [rng.choice(len(classes), n_way, replace=False) for _ in rows]
        chosen = np.array(draws, int).reshape(-1, n_way)  # an alphabet may have no turn
        asked = chosen[np.arange(len(rows)), answers[rows]]
        if one_drawer:
            table = _image_table(classes, class_of, by[own], where)  # (class, drawer)
            n_drawers = table.shape[1]
            theirs = rng.integers(n_drawers, size=len(rows))
            other = (theirs + rng.integers(1, n_drawers, size=len(rows))) % n_drawers
            query, support = table[asked, other], table[chosen, theirs[:, None]]
        else:
            pools = _Pools(classes, class_of, by[own])
            support = pools.any_image(chosen, rng)
            query = pools.by_another(support[np.arange(len(rows)), answers[rows]], rng)
        queries[rows], supports[rows] = own[query], own[support]
    return Episodes(queries, supports, answers)


class Drawn(Protocol):
    """The arrays of :class:`siamese_utils.datasets.Omniglot`, all (n,)."""

    @property
    def labels(self) -> np.ndarray:
        """Character of each image."""

    @property
    def drawers(self) -> np.ndarray:
        """Who drew it."""

    @property
    def alphabets(self) -> np.ndarray:
        """Which alphabet it is of."""


def within_alphabet_trials(images: Drawn) -> Episodes:
    """Draw 10,000 20-way one-shot trials, always the same ones for the same images.

    Each trial has 20 characters of one alphabet, by two of its drawers, as :func:`draw_episodes`
    draws them from alphabets and drawers. With Omniglot's 20 evaluation alphabets they measure
    what the official runs of Lake et al. (2015) measure, with 25 times as many trials and on
    twice as many alphabets. Everyone who draws them gets the same trials, so that two systems can
    be compared trial by trial.

    Parameters
    ----------
    images : Omniglot
        As from ``datasets.load_omniglot("evaluation")``; of other sets, at least 20 letters in
        each alphabet, and one image of every letter by every drawer of its alphabet.

    Returns
    -------
    Episodes

    Raises
    ------
    ValueError
        If an alphabet has fewer than 20 characters, or lacks an image.

    Examples
    --------
    Two alphabets of 20 letters by two drawers share the trials equally:

    >>> from types import SimpleNamespace
    >>> letters, drawers = np.repeat(np.arange(40), 2), np.tile([1, 2], 40)
    >>> images = SimpleNamespace(labels=letters, drawers=drawers, alphabets=letters // 20)
    >>> trials = within_alphabet_trials(images)
    >>> trials.supports.shape, np.bincount(images.alphabets[trials.queries]).tolist()
    ((10000, 20), [5000, 5000])
    """
    rng = np.random.default_rng(_FIXED_SEED)
    return draw_episodes(
        images.labels, 20, _N_FIXED, rng, drawers=images.drawers, alphabets=images.alphabets
    )


def _image_table(
    classes: np.ndarray, class_of: np.ndarray, by: np.ndarray, where: str
) -> np.ndarray:
    """The one image of each class by each drawer, int (n_classes, n_drawers)."""
    people, person_of = np.unique(by, return_inverse=True)
    if len(people) < 2:
        raise ValueError(f"{where} has one drawer, {people[0]}; query and support need two")
    count = np.zeros((len(classes), len(people)), int)
    np.add.at(count, (class_of, person_of), 1)
    if (count != 1).any():
        c, d = np.argwhere(count != 1)[0]
        raise ValueError(
            f"class {classes[c]} of {where} has {count[c, d]} images by drawer {people[d]}; "
            "with drawers and alphabets, expected one image of every class by every drawer. "
            "Leave out the classes or the drawers that are not complete."
        )
    table = np.empty(count.shape, int)
    table[class_of, person_of] = np.arange(len(by))
    return table


class _Pools:
    """Images sorted by class and drawer, so that those of a class, or of a drawer in it, are
    neighbours."""

    def __init__(self, classes: np.ndarray, class_of: np.ndarray, by: np.ndarray):
        person_of = np.unique(by, return_inverse=True)[1]
        key = class_of * (person_of.max() + 1) + person_of
        self.order = np.argsort(key, kind="stable")
        self.key, self.class_of = key, class_of
        self.bounds = np.searchsorted(class_of[self.order], np.arange(len(classes) + 1))
        n_drawers = np.bincount(class_of[np.unique(key, return_index=True)[1]])
        if n_drawers.min() < 2:
            what = "image" if len(np.unique(by)) == len(by) else "drawer"
            raise ValueError(
                f"class {classes[n_drawers.argmin()]} has one {what} only; query and support "
                "need two. Leave the class out."
            )

    def any_image(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An image of each class."""
        return self.order[rng.integers(self.bounds[chosen], self.bounds[chosen + 1])]

    def by_another(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each image another of its class, by another drawer."""
        in_order = self.key[self.order]
        skip = np.searchsorted(in_order, self.key[images], side="left")
        skipped = np.searchsorted(in_order, self.key[images], side="right") - skip
        of = self.class_of[images]
        place = rng.integers(self.bounds[of], self.bounds[of + 1] - skipped)
        return self.order[np.where(place >= skip, place + skipped, place)]
