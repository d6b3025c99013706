"""Batches for ``model.fit``: the images of a pair are looked up when its batch is made.

Batch ``i`` of an epoch depends on the seed, the epoch and ``i`` alone. Keras asks for some
batches more than once (with TensorFlow, to learn their shapes) and may ask in any order;
neither changes what the model sees.
"""

import keras
import numpy as np


class PairDataset(keras.utils.PyDataset):
    """Batches of image pairs.

    Parameters
    ----------
    images : array (n, height, width, channels)
        float32 in [0, 1], or uint8 with ink = 1, converted batch by batch.
    pairs : int array (n_pairs, 2)
    same : array (n_pairs,)
        1 = same class, 0 = different.
    batch_size : int
        Pairs a batch. What is left over at the end of an epoch is dropped, so that all
        batches have one shape; the order is new in every epoch.
    seed : int

    Raises
    ------
    ValueError
        If there are fewer pairs than one batch holds, or ``same`` has another length.

    Examples
    --------
    An epoch of one batch, with the three pairs in a random order. Here an image is one pixel,
    its own number:

    >>> images = np.array([0, 1, 2], "uint8").reshape(3, 1, 1, 1)
    >>> pairs, same = np.array([[0, 1], [0, 2], [1, 2]]), np.array([1, 0, 0])
    >>> batches = PairDataset(images, pairs, same, batch_size=3, seed=0)
    >>> (left, right), target = batches[0]
    >>> len(batches), left.shape, left.dtype, target.shape
    (1, (3, 1, 1, 1), dtype('float32'), (3,))
    >>> sorted((int(a), int(b), int(t)) for a, b, t in zip(left.flat, right.flat, target))
    [(0, 1, 1), (0, 2, 0), (1, 2, 0)]
    """

    def __init__(
        self,
        images: np.ndarray,
        pairs: np.ndarray,
        same: np.ndarray,
        batch_size: int,
        seed: int,
    ):
        super().__init__()
        if len(pairs) != len(same):
            raise ValueError(f"{len(pairs)} pairs but {len(same)} labels; expected one a pair")
        if len(pairs) < batch_size:
            raise ValueError(
                f"{len(pairs)} pairs do not fill one batch of {batch_size}; "
                "draw more pairs or lower batch_size"
            )
        self.images = images
        self.pairs = pairs
        self.same = np.asarray(same, "float32")
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self.seed, self.epoch])
        self._order = rng.permutation(len(self.pairs))

    def __len__(self) -> int:
        return len(self.pairs) // self.batch_size

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Batch ``index`` as ``(left, right), same``."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        left, right = (
            self.images[self.pairs[chosen, side]].astype("float32", copy=False) for side in (0, 1)
        )
        return (left, right), self.same[chosen]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order; Keras calls this."""
        self.epoch += 1
        self._shuffle()


class ClassBatches(keras.utils.PyDataset):
    """Batches of a few images of each of some classes, for losses over a whole batch.

    Called P x K batches: P classes, K images of each, so that every image has K - 1 partners
    of its class in the batch (Hermans et al. 2017, section 2).

    Parameters
    ----------
    images : array (n, height, width, channels)
        float32 in [0, 1], or uint8 with ink = 1, converted batch by batch.
    labels : int array (n,)
    n_classes, n_images : int
        P and K: at least 2 each. The classes of a batch, and the images of a class, are
        drawn without repetition.
    n_batches : int
        Batches an epoch.
    seed : int
    groups : array (n,)
        Names or numbers of the groups that the classes fall into, such as alphabets. The
        classes of a batch are then of one group, each as likely as the other; where it has
        fewer than ``n_classes``, further groups complete the batch. Look-alikes are found
        within a group, so the different pairs of such a batch are hard.

    Raises
    ------
    ValueError
        If there are fewer classes, or a class has fewer images, than a batch needs; if
        ``labels`` or ``groups`` has another length than ``images``; or if a class is in two
        groups.

    Examples
    --------
    Two of four classes, with two images of each. With groups, both classes are of one:

    >>> images, labels = np.zeros((12, 5, 5, 1), "uint8"), np.repeat(np.arange(4), 3)
    >>> x, y = ClassBatches(images, labels, n_classes=2, n_images=2, n_batches=10, seed=0)[0]
    >>> x.shape, x.dtype, np.unique(y, return_counts=True)[1].tolist()
    ((4, 5, 5, 1), dtype('float32'), [2, 2])
    >>> groups = np.array(["Greek", "Latin"])[labels // 2]
    >>> batches = ClassBatches(images, labels, 2, 2, n_batches=10, seed=0, groups=groups)
    >>> sorted({tuple(sorted(set(y.tolist()))) for _, y in (batches[i] for i in range(10))})
    [(0, 1), (2, 3)]
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        n_classes: int,
        n_images: int,
        n_batches: int,
        seed: int,
        groups: np.ndarray | None = None,
    ):
        super().__init__()
        lengths = {"labels": len(labels), "groups": len(images if groups is None else groups)}
        for what, length in lengths.items():
            if length != len(images):
                raise ValueError(f"{len(images)} images but {length} {what}; expected one each")
        classes, sizes = np.unique(labels, return_counts=True)
        if not 2 <= n_classes <= len(classes):
            raise ValueError(
                f"n_classes is {n_classes}; expected 2 to {len(classes)}, the classes there are"
            )
        if not 2 <= n_images <= sizes.min():
            raise ValueError(
                f"n_images is {n_images}; expected 2 to {sizes.min()}, the images of class "
                f"{classes[sizes.argmin()]}, which has the fewest"
            )
        self.images = images
        self.labels = np.asarray(labels)
        self.of_class = [np.flatnonzero(self.labels == c) for c in classes]
        self.of_group = None
        if groups is not None:
            groups_of = [np.unique(np.asarray(groups)[members]) for members in self.of_class]
            for c, found in zip(classes, groups_of, strict=True):
                if len(found) > 1:
                    raise ValueError(
                        f"class {c} is in groups {found[0]} and {found[1]}; expected one group. "
                        "Number the classes through all groups."
                    )
            group_of_class = np.concatenate(groups_of)
            self.of_group = [np.flatnonzero(group_of_class == g) for g in np.unique(group_of_class)]
        self.n_classes = n_classes
        self.n_images = n_images
        self.n_batches = n_batches
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.n_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index`` as ``images, labels``."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        if self.of_group is None:
            classes = rng.choice(len(self.of_class), self.n_classes, replace=False)
        else:
            groups = rng.permutation(len(self.of_group))
            order = np.concatenate([rng.permutation(self.of_group[g]) for g in groups])
            classes = order[: self.n_classes]
        chosen = np.concatenate(
            [rng.choice(self.of_class[c], self.n_images, replace=False) for c in classes]
        )
        return self.images[chosen].astype("float32", copy=False), self.labels[chosen]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's batches; Keras calls this."""
        self.epoch += 1
