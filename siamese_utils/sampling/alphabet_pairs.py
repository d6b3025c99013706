"""Pairs for verification, drawn alphabet by alphabet as Koch et al. (2015) do."""

import numpy as np

from .._checks import class_labels, require_generator, whole_number


def alphabet_pairs(
    labels: np.ndarray,
    alphabets: np.ndarray,
    n_pairs: int,
    rng: np.random.Generator,
    drawers: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the same number of pairs within each alphabet, half same and half different.

    Koch et al. (2015, section 4.2) take the same number of pairs from each alphabet; the rest is
    our choice. A same pair is two images of one character. A different pair is two characters of
    one alphabet, which are harder to tell apart than characters of two alphabets. No pair comes
    twice before all of its kind in its alphabet have come once. Some must come again: Koch's
    10,000 validation pairs ask for 500 same pairs in each alphabet, while 20 characters by 4
    drawers have only 120.

    Parameters
    ----------
    labels : int array (n,)
        The character.
    alphabets : array (n,) of str or int
    n_pairs : int
        At least two for each alphabet. Pairs that are left over go to alphabets drawn at random.
        An alphabet with an odd number of pairs has one more of one kind; over all alphabets, the
        numbers of same and of different pairs differ by one at most.
    rng : numpy Generator
    drawers : int array (n,)
        If given, the two images of every pair are by different drawers. Same pairs always are,
        because each drawer drew a character once; so without this argument, two images by one
        drawer would always be a different pair, and a network could learn that.

    Returns
    -------
    pairs : int array (n_pairs, 2)
        Indices into ``labels``, in random order and with random sides.
    same : int array (n_pairs,)
        1 = same class, 0 = different.

    Raises
    ------
    ValueError
        If ``labels``, ``alphabets`` and ``drawers`` are not (n,) each, ``n_pairs`` is no whole
        number or less than two for each alphabet, ``rng`` is no generator, or an alphabet has no
        pair of a kind.

    Notes
    -----
    All pairs of one alphabet are listed on the way: 604,450 for the largest, 1,100 images.

    Examples
    --------
    Two alphabets of two characters by two drawers:

    >>> labels, alphabets = np.repeat(np.arange(4), 2), np.repeat(["Greek", "Latin"], 4)
    >>> pairs, same = alphabet_pairs(labels, alphabets, 8, np.random.default_rng(0))
    >>> np.unique(alphabets[pairs[:, 0]], return_counts=True)[1], same.sum()
    (array([4, 4]), np.int64(4))
    >>> bool(np.all(alphabets[pairs[:, 0]] == alphabets[pairs[:, 1]]))
    True
    """
    labels = class_labels(labels)
    alphabets = class_labels(alphabets, len(labels), "alphabets")
    if drawers is not None:
        drawers = class_labels(drawers, len(labels), "drawers")
    require_generator(rng)
    n_pairs = whole_number(n_pairs, "n_pairs", 1)
    names = np.unique(alphabets)
    if n_pairs < 2 * len(names):
        raise ValueError(
            f"n_pairs is {n_pairs}; expected at least {2 * len(names)}, a same and a different "
            f"pair for each of {len(names)} alphabets"
        )
    n_same, n_different = _shares(n_pairs, len(names), rng)
    drawn, same = [], []
    for i, name in enumerate(names):
        own = np.flatnonzero(alphabets == name)
        left, right = own[np.array(np.triu_indices(len(own), k=1))]
        if drawers is not None:
            allowed = drawers[left] != drawers[right]
            left, right = left[allowed], right[allowed]
        is_same = labels[left] == labels[right]
        for kind, n, of_kind in ((1, n_same[i], is_same), (0, n_different[i], ~is_same)):
            available = np.flatnonzero(of_kind)
            if len(available) == 0:
                which = "same" if kind else "different"
                raise ValueError(
                    f"alphabet {name.item()!r} has no {which} pair"
                    f"{'' if drawers is None else ' of two drawers'}: {len(own)} images of "
                    f"{len(np.unique(labels[own]))} characters. Leave the alphabet out."
                )
            times, rest = divmod(n, len(available))
            numbers = np.concatenate(
                [np.repeat(available, times), rng.choice(available, rest, replace=False)]
            )
            drawn.append(np.stack([left[numbers], right[numbers]], axis=1))
            same.append(np.full(n, kind))
    pairs = rng.permuted(np.concatenate(drawn), axis=1)  # sides carry no information
    shuffle = rng.permutation(n_pairs)
    return pairs[shuffle], np.concatenate(same)[shuffle]


def _shares(
    n_pairs: int, n_alphabets: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Same and different pairs of each alphabet, as even as whole numbers allow."""
    shuffled = rng.permutation(n_alphabets)
    n = np.full(n_alphabets, n_pairs // n_alphabets)
    n[shuffled[: n_pairs % n_alphabets]] += 1
    n_same = n // 2
    odd = shuffled[n[shuffled] % 2 == 1]
    n_same[odd[::2]] += 1  # of two odd alphabets, one has one more same pair
    return n_same, n - n_same
