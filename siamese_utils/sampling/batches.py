"""Batches for ``model.fit``: the images of a pair are looked up when its batch is made.

Batch ``i`` of an epoch depends on the seed, the epoch and ``i`` alone. Keras asks for some
batches more than once (with TensorFlow, to learn their shapes) and may ask in any order;
neither changes what the model sees.
"""

import keras
import numpy as np

from .._checks import class_labels, indices, refuse_bytes, same_labels, whole_number


class PairDataset(keras.utils.PyDataset):
    """Batches of image pairs.

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1], of any number type: each batch is converted to float32.
    pairs : int array (n_pairs, 2)
        Indices into ``images``.
    same : array (n_pairs,)
        1 = same class, 0 = different.
    batch_size : int
        Pairs in each batch. What is left over at the end of an epoch is dropped, so that all
        batches have one shape; the order is new in every epoch.
    seed : int

    Raises
    ------
    ValueError
        If the images hold bytes from 0 to 255, or other values that are neither in [0, 1] nor
        standardized around 0; if ``pairs`` are not indices of images, or ``same`` is not 1 or 0
        for each; if ``batch_size`` or ``seed`` is no whole number; or if there are fewer pairs
        than one batch holds.

    Examples
    --------
    An epoch of one batch, with the three pairs in a random order. Here an image is one pixel,
    half its own number:

    >>> images = np.array([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1)
    >>> pairs, same = np.array([[0, 1], [0, 2], [1, 2]]), np.array([1, 0, 0])
    >>> batches = PairDataset(images, pairs, same, batch_size=3, seed=0)
    >>> (left, right), target = batches[0]
    >>> len(batches), left.shape, left.dtype, target.shape
    (1, (3, 1, 1, 1), dtype('float32'), (3,))
    >>> sorted((float(a), float(b), int(t)) for a, b, t in zip(left.flat, right.flat, target))
    [(0.0, 0.5, 1), (0.0, 1.0, 0), (0.5, 1.0, 0)]
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
        images = np.asarray(images)
        refuse_bytes(images)
        pairs = indices(pairs, "pairs", ("n_pairs", "2"), len(images))
        same = same_labels(same, len(pairs))
        batch_size = whole_number(batch_size, "batch_size", 1)
        if len(pairs) < batch_size:
            raise ValueError(
                f"{len(pairs)} pairs do not fill one batch of {batch_size}; "
                "draw more pairs or lower batch_size"
            )
        self.images = images
        self.pairs = pairs
        self.same = same.astype("float32")
        self.batch_size = batch_size
        self.seed = whole_number(seed, "seed", 0)
        self.epoch = 0
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self.seed, self.epoch])
        self._order = rng.permutation(len(self.pairs))

    def __len__(self) -> int:
        return len(self.pairs) // self.batch_size

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Batch ``index`` as ``(left, right), same``.

        The images are float32 (batch_size, height, width, channels), ``same`` float32
        (batch_size,).
        """
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
    """Batches of P classes with K images each, for losses over a whole batch.

    In such P x K batches every image has K - 1 partners of its class (Hermans et al. 2017,
    section 2).

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1], of any number type: each batch is converted to float32.
    labels : array (n,) of int or str
        The class of each image.
    n_classes, n_images : int
        P and K: at least 2 each. The classes of a batch, and the images of a class, are
        drawn without repetition.
    n_batches : int
        Batches in each epoch, at least 1.
    seed : int
    groups : array (n,)
        Names or numbers of the groups that the classes fall into, such as alphabets. The
        classes of a batch then come from one group, and every group is equally likely; where it
        has fewer than ``n_classes``, further groups complete the batch. Classes that look alike
        are usually of one group, so the different pairs of such a batch are hard. By default the
        classes are drawn from all.

    Raises
    ------
    ValueError
        If the images are neither in [0, 1] nor standardized around 0, as bytes are not; if
        ``labels`` or ``groups`` are not one for each image; if a count or ``seed`` is no whole
        number; if there are fewer classes, or a class has fewer images, than a batch needs; or if
        a class is in two groups.

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
        images = np.asarray(images)
        refuse_bytes(images)
        labels = class_labels(labels, len(images))
        # Numbered from 0, as floats and narrow integers, which a backend may make of labels,
        # have no room for large ones, and none for names.
        classes, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        n_classes = whole_number(n_classes, "n_classes", 2)
        n_images = whole_number(n_images, "n_images", 2)
        if n_classes > len(classes):
            raise ValueError(
                f"n_classes is {n_classes}; expected 2 to {len(classes)}, the classes there are"
            )
        if n_images > sizes.min():
            raise ValueError(
                f"n_images is {n_images}; expected 2 to {sizes.min()}, the images of class "
                f"{classes[sizes.argmin()]}, which has the fewest"
            )
        self.images = images
        self.labels = numbers.astype("int32")
        self.of_class = [np.flatnonzero(numbers == c) for c in range(len(classes))]
        self.of_group = None
        if groups is not None:
            groups = class_labels(groups, len(images), "groups")
            groups_of = [np.unique(groups[members]) for members in self.of_class]
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
        self.n_batches = whole_number(n_batches, "n_batches", 1)
        self.seed = whole_number(seed, "seed", 0)
        self.epoch = 0

    def __len__(self) -> int:
        return self.n_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index``: float32 (P * K, height, width, channels) and int32 classes (P * K,).

        The classes are numbered as ``np.unique`` sorts them.
        """
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
