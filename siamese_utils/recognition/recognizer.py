"""The estimator: store, add, look up, reject, save and load."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted

from ..models import embed
from .checks import check_rejection, label_array, require_dim, unit_vectors
from .digest import digest_or_none, require_encoder
from .file import read_gallery, write_gallery
from .search import best_candidates, best_of_classes


class OneShotClassifier(ClassifierMixin, BaseEstimator):
    """Label an image as the most similar one of a gallery, or as unknown.

    One image a class is enough. Images are embedded once, when they are stored, and new
    classes are added at run time without training: what is compared is the cosine of two
    embeddings, as in :class:`siamese_utils.verifier.Verifier`.

    Parameters
    ----------
    encoder : keras.Model
        Images (n, height, width, channels) to embeddings (n, dim). None where ``X`` holds
        embeddings (n, dim) already.
    threshold : float in [-1, 1]
        An image is ``unknown`` unless its similarity to a stored one is above the threshold.
        None never rejects.
    unknown : str or int
        The label of rejected images, of the type of the labels and none of them.
    neighbours : estimator
        Anything with ``fit(X)`` and ``kneighbors(X, return_distance=False)``, for an
        approximate search. Its candidates are ranked anew by their similarity. None is
        exact: scikit-learn's ``NearestNeighbors`` by brute force on the unit vectors, where
        the nearest by Euclidean distance is the most similar.

    Attributes
    ----------
    classes_ : array (n_classes,)
        The labels, sorted.
    embeddings_ : float32 array (n, dim)
        Of length 1, in the order they were stored.
    labels_ : array (n,)
    neighbours_ : estimator
        Fitted to ``embeddings_``.
    n_features_in_ : int
        dim; only where ``encoder`` is None.
    encoder_digest_ : str or None
        Names the encoder that made the embeddings.

    Notes
    -----
    Of equally similar embeddings the one stored first decides, up to rounding in float32.
    An embedding shorter than 0.0003 has no direction: it cannot be stored, and as a query
    its similarity is taken as 0, or towards 0, as in :func:`siamese_utils.distances.cosine`.

    Examples
    --------
    Two classes with one embedding each, and queries at 10, 60 and 200 degrees:

    >>> def at(*degrees):
    ...     angle = np.deg2rad(degrees)
    ...     return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> gallery = OneShotClassifier(threshold=0.5).fit(at(0, 90), ["right", "up"])
    >>> gallery.predict(at(10, 60, 200)).tolist()
    ['right', 'up', 'unknown']
    >>> gallery.predict_scores(at(60)).round(3).tolist()
    [[0.5, 0.8659999966621399]]
    >>> gallery.add("left", at(180)).predict(at(200)).tolist()
    ['left']
    """

    def __init__(
        self,
        encoder: keras.Model | None = None,
        threshold: float | None = None,
        unknown: str | int = "unknown",
        neighbours: Any = None,
    ):
        self.encoder = encoder
        self.threshold = threshold
        self.unknown = unknown
        self.neighbours = neighbours

    def __sklearn_clone__(self) -> "OneShotClassifier":
        """A copy without a gallery. The encoder is shared: nothing is learned in it here."""
        neighbours = None if self.neighbours is None else clone(self.neighbours)
        return type(self)(self.encoder, self.threshold, self.unknown, neighbours)

    def fit(self, X, y) -> "OneShotClassifier":
        """Store a gallery, in place of any that was there.

        Parameters
        ----------
        X : array (n, height, width, channels), or (n, dim) without an encoder
        y : array (n,) of str or int

        Raises
        ------
        ValueError
            If a shape does not fit, a label is neither str nor int, an embedding has no
            direction, or ``threshold`` and ``unknown`` do not suit the labels.
        """
        labels, digest = label_array(y), digest_or_none(self.encoder)
        self._store(self._embed(X), labels)
        self.encoder_digest_ = digest
        return self

    def add(self, label: str | int, images) -> "OneShotClassifier":
        """Store images of a class that is new or known; what is stored stays.

        Parameters
        ----------
        label : str or int
            Of the type of the other labels.
        images : array as for :meth:`fit`

        Raises
        ------
        ValueError
            As for :meth:`fit`, and if the encoder was trained since. The gallery is then
            unchanged.
        NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self)
        if digest_or_none(self.encoder) != self.encoder_digest_:
            raise ValueError(
                "the encoder is another one, or was trained, since the gallery was made; "
                "expected one encoder for all. Call fit with all images again."
            )
        embeddings = self._embed(images)
        require_dim(embeddings, self.embeddings_.shape[1])
        new = label_array([label] * len(embeddings))
        if new.dtype.kind != self.labels_.dtype.kind:
            raise ValueError(
                f"label is {label!r}; expected the type of the other labels, such as "
                f"{self.classes_.tolist()[0]!r}. Use one type for all."
            )
        self._store(
            np.concatenate([self.embeddings_, embeddings]), np.concatenate([self.labels_, new])
        )
        return self

    def nearest(self, X) -> tuple[np.ndarray, np.ndarray]:
        """The most similar stored embedding of each query, known or not.

        Parameters
        ----------
        X : array as for :meth:`fit`

        Returns
        -------
        int array (n,), float32 array (n,)
            Its index into ``labels_``, and its cosine similarity in [-1, 1].

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ValueError
            If a shape does not fit, or an embedding is not finite.
        """
        queries = self._queries(X)
        candidates = self.neighbours_.kneighbors(queries, return_distance=False)  # (n, k)
        index, scores = best_candidates(queries, self.embeddings_, candidates)
        return index, scores.clip(-1, 1)

    def predict(self, X) -> np.ndarray:
        """Label of each query: that of its most similar stored embedding, or ``unknown``.

        Parameters
        ----------
        X : array as for :meth:`fit`

        Returns
        -------
        array (n,) of labels

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ValueError
            As for :meth:`nearest`, or if ``threshold`` and ``unknown`` do not suit the labels.
        """
        check_is_fitted(self)
        check_rejection(self.threshold, self.unknown, self.classes_)
        index, scores = self.nearest(X)
        labels = self.labels_[index]
        if self.threshold is None:
            return labels
        # In float64, as a Verifier compares: the threshold is not rounded.
        return np.where(scores.astype(float) > self.threshold, labels, self.unknown)

    def predict_scores(self, X) -> np.ndarray:
        """Best similarity of each query to each class, in blocks of bounded memory.

        Every stored embedding is compared, whatever ``neighbours`` is.

        Parameters
        ----------
        X : array as for :meth:`fit`

        Returns
        -------
        float32 array (n, n_classes)
            In [-1, 1]; columns as ``classes_``.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ValueError
            As for :meth:`nearest`.
        """
        queries = self._queries(X)
        classes = np.searchsorted(self.classes_, self.labels_)  # (n_stored,)
        scores = best_of_classes(queries, self.embeddings_, classes)
        return scores.clip(-1, 1)

    def save(self, path: str | Path) -> None:
        """Write the gallery as one ``.npz`` file without pickled objects, whole or not at all.

        The encoder is not in it, only its digest; nor is ``neighbours``.

        Parameters
        ----------
        path : str or Path
            A name that ends in ``.npz``. Its folder is made if need be.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ValueError
            If the name has another ending.
        """
        check_is_fitted(self)
        unknown = self.unknown.item() if isinstance(self.unknown, np.generic) else self.unknown
        settings = {
            "threshold": None if self.threshold is None else float(self.threshold),
            "unknown": unknown,
            "encoder": self.encoder_digest_,
        }
        write_gallery(Path(path), settings, self.embeddings_, self.labels_)

    @classmethod
    def load(
        cls, path: str | Path, encoder: keras.Model | None = None, neighbours: Any = None
    ) -> "OneShotClassifier":
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path
            Of the ``.npz`` file.
        encoder : keras.Model
            The one that made the gallery, from any backend; None where embeddings were stored.
        neighbours : estimator
            As for the class.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no gallery, or one of another encoder.
        """
        path = Path(path)
        settings, embeddings, labels = read_gallery(path)
        require_encoder(path, settings["encoder"], digest_or_none(encoder))
        gallery = cls(encoder, settings["threshold"], settings["unknown"], neighbours)
        gallery._store(embeddings, labels)
        gallery.encoder_digest_ = settings["encoder"]
        return gallery

    def _store(self, embeddings: np.ndarray, labels: np.ndarray) -> None:
        """Check everything first, then take it: a bad gallery leaves the old one."""
        if len(embeddings) != len(labels):
            raise ValueError(
                f"{len(embeddings)} images and {len(labels)} labels; expected one label an image"
            )
        classes = np.unique(labels)
        check_rejection(self.threshold, self.unknown, classes)
        search = self.neighbours
        if search is None:
            search = NearestNeighbors(n_neighbors=1, algorithm="brute")
        search = clone(search).fit(embeddings)
        self.embeddings_, self.labels_, self.classes_ = embeddings, labels, classes
        self.neighbours_ = search
        if self.encoder is None:
            self.n_features_in_ = embeddings.shape[1]

    def _queries(self, X) -> np.ndarray:
        check_is_fitted(self)
        queries = self._embed(X, stored=False)
        require_dim(queries, self.embeddings_.shape[1])
        return queries

    def _embed(self, X, stored: bool = True) -> np.ndarray:
        """Embeddings of length 1; only a query may be shorter (see the class's notes)."""
        if self.encoder is not None:
            X = embed(self.encoder, np.asarray(X))
        return unit_vectors(np.asarray(X, "float32"), stored)
