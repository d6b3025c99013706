"""The recognizer: compare, enroll, predict, evaluate, save and load."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import whole_number
from .._files import first_line
from .._gallery_file import read_gallery, write_gallery
from .._warn import warn
from ..datasets.folder import ImageFolder
from ..models import embed, load_pretrained
from ..models.adaptation import (
    adapt_embeddings,
    adapted_encoder,
    fit_adaptation,
    without_adaptation,
)
from .assessment import Assessment, assess
from .encoder_digest import digest_or_none, require_encoder
from .index import ExactIndex, Index, best_of_classes
from .inputs import (
    UNCLEAR,
    are_paths,
    backgrounds,
    blocks,
    is_path,
    refuse_blank,
    warn_of_backgrounds,
    warn_of_same_files,
)
from .model_file import read_model, write_model
from .onnx_file import write_onnx
from .reading import Reading, image_shape
from .sketches import N_BITS, are_among, sketches
from .threshold_choice import ThresholdChoice, choose
from .vectors import (
    accepted,
    check_rejection,
    checked_threshold,
    label_array,
    prototypes,
    unit_vectors,
)

MAX_PIXELS = 2**21  # of the images that are read and embedded at once: 41 of 224 x 224
N_CANDIDATES = 8  # that an index proposes; they are ranked anew by their similarity
NOTHING_STORED = "nothing is stored in this %(name)s yet. Call fit, enroll or load_gallery first."


@dataclass(frozen=True)
class Comparison:
    """What :meth:`Recognizer.compare` says about two images.

    Attributes
    ----------
    score : float in [-1, 1]
        Cosine similarity of the embeddings; large = alike.
    threshold : float in [-1, 1]
    same : bool
        Whether the score is above the threshold.

    Examples
    --------
    Opposite directions:

    >>> Recognizer(threshold=0.5).compare([1.0, 0.0], [-1.0, 0.0])
    Comparison(score=-1.0, threshold=0.5, same=False)
    """

    score: float
    threshold: float
    same: bool


class Recognizer(ClassifierMixin, BaseEstimator):
    """Compare images by an encoder's embeddings, and label them as the most similar stored one.

    One image of a class is enough, and new classes are enrolled without training. What is
    compared is the cosine of two embeddings. A scikit-learn classifier: with ``encoder=None`` it
    works on embeddings (n, dim) and passes ``check_estimator``.

    Parameters
    ----------
    encoder : keras.Model
        Images (n, height, width, channels) to embeddings (n, dim). None where ``X`` holds
        embeddings already.
    threshold : float in [-1, 1]
        Two images are the same, and an image is of a known class, where the similarity is above
        it. Defaults to None, which rejects nothing. If you have a threshold of the cosine
        distance, pass ``1 - threshold``.
    unknown : str or int
        The label of rejected images: of the same type as the classes' labels, and not one of
        them. Defaults to "unknown".
    reading : Reading
        How images are read for the encoder. Defaults to :meth:`Reading.of` the encoder.
    index : function of the dimension
        Makes an empty index with ``add(vectors)`` and ``search(queries, k)``, such as
        ``faiss.IndexFlatIP``, for a search in very large galleries; its candidates are ranked
        anew by their similarity. Defaults to an exact search.
    progress : function of two ints
        Called after each block of images with the number embedded so far and the number of all.
        Defaults to None.

    Attributes
    ----------
    classes_ : array (n_classes,)
        The labels, sorted.
    embeddings_ : float32 array (n, dim)
        Of length 1, in the order they were stored.
    labels_ : array (n,)
    assessment_ : Assessment
        What :meth:`evaluate` found last; it exists only then, and is saved with the model.
    threshold_choice_ : ThresholdChoice
        What :meth:`choose_threshold` found last; it exists only then, and is saved with the model.

    Notes
    -----
    Of equally similar embeddings, up to 1e-6 with the exact search, the one stored first decides.
    An embedding of zeros has no direction: it cannot be stored, and as a query its similarity
    is 0, as in :func:`siamese_utils.distances.cosine`. The one check of scikit-learn that does
    not hold, ``check_estimators_dtypes``, stores a row of zeros.

    Examples
    --------
    Two classes with one embedding each, and queries at 10, 60 and 200 degrees:

    >>> def at(*degrees):
    ...     angle = np.deg2rad(degrees)
    ...     return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> recognizer = Recognizer(threshold=0.5).fit(at(0, 90), ["right", "up"])
    >>> recognizer.predict(at(10, 60, 200)).tolist()
    ['right', 'up', 'unknown']
    >>> recognizer.enroll("left", at(180)).predict(at(200)).tolist()
    ['left']
    """

    index_: Index
    _whitened_for: np.ndarray | None = None  # sketches of the images that `adapt` got labels of

    def __init__(
        self,
        encoder: keras.Model | None = None,
        threshold: float | None = None,
        unknown: str | int = "unknown",
        reading: Reading | None = None,
        index: Callable[[int], Index] | None = None,
        progress: Callable[[int, int], object] | None = None,
    ):
        self.encoder = encoder
        self.threshold = threshold
        self.unknown = unknown
        self.reading = reading
        self.index = index
        self.progress = progress

    @classmethod
    def pretrained(cls, name: str = "omniglot") -> "Recognizer":
        """A recognizer with an encoder that comes with the package, and an empty gallery.

        Parameters
        ----------
        name : str
            As for :func:`siamese_utils.models.load_pretrained`.

        Examples
        --------
        >>> Recognizer.pretrained("omniglot").reading
        Reading(size=(105, 105), channels=1, fit='pad', polarity='ink')
        """
        encoder = load_pretrained(name)
        return cls(encoder, reading=Reading.of(encoder))

    def __sklearn_clone__(self) -> "Recognizer":
        """A copy without a gallery. The encoder is shared: nothing is learned in it here."""
        copy = type(self)(**self.get_params(deep=False))
        copy._whitened_for = self._whitened_for  # it belongs to the encoder
        return copy

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def read_folder(self, root: str | Path, skip_broken: bool = False) -> ImageFolder:
        """Read a folder that has one subfolder for each class, as the encoder wants it.

        With the report and the errors of :func:`siamese_utils.datasets.load_image_folder`, and a
        ``UserWarning`` for a file that is there twice.
        ``recognizer.fit(folder.images, np.array(folder.class_names)[folder.labels])`` stores it.
        """
        folder = self._reading().read_folder(root, skip_broken)
        warn_of_same_files(folder.paths)
        return folder

    def adapt(self, X, y=None) -> "Recognizer":
        """Fit the embeddings to one kind of image, without training the encoder.

        Without labels the embeddings are centred, so that what all these images share does not
        make any two of them alike. With labels the directions in which images of one class
        differ count less, too (:func:`siamese_utils.models.fit_adaptation`). The images may be of
        other classes than those to be recognized, and should look like them.
        Afterwards ``encoder`` is a new model, the old one with three layers behind it. Images that
        were stored have to be stored again, and a second call starts from the original encoder. A
        threshold belongs to the embeddings that it was chosen for, so it becomes None.

        Parameters
        ----------
        X : array (n, height, width, channels), or list of n paths
            Some dozens or more.
        y : array (n,) of str or int
            Their classes, with two images or more of some of them. Defaults to None.

        Raises
        ------
        ValueError
            If there is no encoder, or for images and labels as :meth:`fit` and
            :func:`siamese_utils.models.fit_adaptation` refuse them.

        Warns
        -----
        UserWarning
            If there was a threshold.
        """
        if self.encoder is None:
            raise ValueError(
                "there is no encoder to adapt; for embeddings, use "
                "models.fit_adaptation(X, y).apply(X)"
            )
        labels = None if y is None else label_array(y)
        base = self._without_adaptation()
        reading, encoder = base.reading, base.encoder
        embeddings, _ = base._embed(X)
        self.encoder = adapted_encoder(encoder, fit_adaptation(embeddings, labels))
        self.reading = reading  # which the new encoder does not tell
        self._whitened_for = None if labels is None else sketches(embeddings)
        if self.threshold is not None:
            warn(
                f"the threshold {self.threshold} was for embeddings as they were before, and is "
                "taken off. Choose it anew: choose_threshold(images, labels).",
            )
            self.threshold = None
        return self

    def choose_threshold(
        self, X, y, strangers: float | None = None, n_folds: int = 5
    ) -> ThresholdChoice:
        """Choose the threshold on images of several classes, and say what it costs on new ones.

        A threshold that was chosen on some classes makes more errors on others. So the classes
        are divided into folds, and in each fold the threshold is chosen without the held-out
        classes and measured on them. The one that is kept is chosen on all classes, and is
        saved with what was measured. The encoder must not have been trained on these classes.
        Where :meth:`adapt` got the labels of these images, it is repeated in each fold without the
        classes on which the threshold is then chosen.

        Parameters
        ----------
        X, y : as for :meth:`fit`
            Three classes or more, two images or more of each: either those that :meth:`adapt`
            got, or other ones. The gallery is not changed.
        strangers : float in (0, 1)
            The share of images of unknown classes that may be taken for one of the stored
            classes, when as many classes are stored as there are here, one image of each.
            Defaults to None: both error rates of pairs are made equal.
        n_folds : int
            Defaults to 5. If there are fewer classes, their number is used.

        Returns
        -------
        ThresholdChoice

        Raises
        ------
        ValueError
            If there are too few classes or images, or a shape or type does not fit.

        Warns
        -----
        UserWarning
            If :meth:`adapt` got the labels of only some of these images. Their classes are then
            left out. If fewer than three classes would remain, all images are used instead, as if
            it had got the labels of all.

        Examples
        --------
        Two images of each of three classes, a right angle or more apart:

        >>> vectors = np.repeat([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], 2, axis=0)
        >>> recognizer = Recognizer()
        >>> choice = recognizer.choose_threshold(vectors, list("aabbcc"))
        >>> recognizer.threshold == choice.threshold, choice.n_classes, choice.one_shot[0]
        (True, 3, 1.0)
        """
        labels, encoder = label_array(y), self._checked_encoder()
        base = self if encoder is None else self._without_adaptation()
        embeddings = base._embed(X, anew=encoder is None)[0]
        _require_as_many(embeddings, labels)
        vectors, whiten = unit_vectors(embeddings, stored=True), False
        if encoder is not None and base.encoder is not encoder:
            new = self._new_classes(embeddings, labels)
            whiten = len(np.unique(labels[new])) < 3 and not new.all()
            if not whiten:
                vectors, labels = adapt_embeddings(encoder, vectors[new]), labels[new]
        n_folds = min(whole_number(n_folds, "n_folds", 2), len(np.unique(labels)))
        choice = choose(vectors, labels, strangers, n_folds, whiten)
        self.threshold, self.threshold_choice_ = choice.threshold, choice
        self._chosen = self._state()
        return choice

    def _new_classes(self, embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Which images are of classes whose labels :meth:`adapt` did not get; bool array (n,)."""
        known = self._whitened_for
        if known is None:
            return np.ones(len(labels), bool)
        asked = sketches(embeddings)
        seen = are_among(asked, known)
        new = ~np.isin(labels, labels[seen])
        n_new = len(np.unique(labels[new]))
        if seen.any() and (new.any() or not are_among(known, asked).all()):
            done = (
                f"so only the {n_new} classes that it did not get are used"
                if n_new >= 3
                else "so what is measured is an estimate, as if it had got these images alone"
            )
            warn(
                f"adapt got {int(seen.sum())} of these {len(labels)} images with their labels, and "
                f"{len(known)} in all; expected all of those that it got here, or none of them, "
                f"{done}. Give the images that adapt got, or other classes.",
            )
        return new

    def _without_adaptation(self) -> "Recognizer":
        encoder = without_adaptation(self.encoder)
        return type(self)(encoder, reading=self._reading(), progress=self.progress)

    # Storing ---------------------------------------------------------------------------

    def fit(self, X, y, average: bool = False) -> "Recognizer":
        """Store a gallery, in place of any that was there.

        Parameters
        ----------
        X : array (n, height, width, channels), or list of n paths; (n, dim) without an encoder
        y : array (n,) of str or int
        average : bool
            Store one embedding for each class, the mean of its images' (the *prototype* of Snell
            et al. 2017), in place of each image's. Defaults to False.

        Raises
        ------
        ValueError
            If a shape or type does not fit, an image has one colour only, an embedding has no
            direction, or ``threshold`` and ``unknown`` do not suit the labels.
        DataError
            Here and in all other methods that take paths: if a file is not a readable image.

        Examples
        --------
        >>> Recognizer().fit([[0.0, 1.0], [1.0, 0.0]], ["up", "right"]).classes_.tolist()
        ['right', 'up']
        """
        labels, digest = label_array(y), digest_or_none(self._checked_encoder())
        embeddings, background = self._embed(X, store=True, anew=True)
        _require_as_many(embeddings, labels)
        stored = unit_vectors(embeddings, stored=True), background, labels
        self._store(*(prototypes(*stored) if average else stored))
        self.encoder_digest_, self.gallery_reading_ = digest, self._reading_as_dict()
        if self.encoder is None:  # take notice of the columns and of their names
            validate_data(self, X, reset=True, skip_check_array=True)
        return self

    def enroll(self, label: str | int, images, average: bool = False) -> "Recognizer":
        """Store images of a class that is new or known; what is stored stays.

        Parameters
        ----------
        label : str or int
            Of the type of the other labels.
        images : as ``X`` of :meth:`fit`, or one path
        average : bool
            Store the mean of these images' embeddings in place of each. Defaults to False.

        Raises
        ------
        ValueError
            As for :meth:`fit`, and if the encoder was trained, or ``reading`` changed, since the
            first image was stored.
        """
        if not self.__sklearn_is_fitted__():
            X = [images] if is_path(images) else images
            return self.fit(X, [label] * len(X), average)
        self._require_same()
        embeddings, background = self._embed([images] if is_path(images) else images, store=True)
        vectors, new = unit_vectors(embeddings, stored=True), label_array([label] * len(embeddings))
        if new.dtype.kind != self.labels_.dtype.kind:
            raise ValueError(
                f"label is {label!r}; expected the type of the other labels, such as "
                f"{self.classes_.tolist()[0]!r}. Use one type for all."
            )
        if average:
            vectors, background, new = prototypes(vectors, background, new)
        self._store(
            np.concatenate([self.embeddings_, vectors]),
            np.concatenate([self.background_, background]),
            np.concatenate([self.labels_, new]),
            n_added=len(vectors),
        )
        return self

    def remove(self, label: str | int) -> "Recognizer":
        """Take all images of a class out of the gallery, and make the index anew.

        Parameters
        ----------
        label : str or int
            Of the type of the other labels.

        Raises
        ------
        NotFittedError
            Before anything is stored.
        ValueError
            If no image has the label, or all have: a gallery has one class at least.
        """
        check_is_fitted(self, msg=NOTHING_STORED)
        kept = self.labels_ != label
        if np.all(kept):
            raise ValueError(
                f"label is {label!r}; expected one of the gallery's, such as "
                f"{self.classes_.tolist()[0]!r}. Correct it."
            )
        if not np.any(kept):
            raise ValueError(
                f"label is {label!r}, of the only class in the gallery; expected one of two or "
                "more. Enroll another class first, or begin a new gallery."
            )
        # A gallery without a threshold may have met a model with one: that is asked by predict.
        rest = self.embeddings_[kept], self.background_[kept], self.labels_[kept]
        self._store(*rest, check=False)
        return self

    def _store(
        self,
        embeddings: np.ndarray,
        background: np.ndarray,
        labels: np.ndarray,
        check: bool = True,
        n_added: int | None = None,
    ) -> None:
        """Check everything first, then take it: a bad gallery leaves the old one.

        Where only the last ``n_added`` are new, an index of the user's gets these alone. The
        exact one is made anew around the array, of which it needs no copy.
        """
        classes = np.unique(labels)
        if check:
            check_rejection(self.threshold, self.unknown, classes)
        if n_added is None or self.index is None:
            index = (self.index or ExactIndex)(embeddings.shape[1])
            index.add(embeddings)
        else:
            index = self.index_
            index.add(embeddings[-n_added:])
        self.embeddings_, self.labels_, self.classes_ = embeddings, labels, classes
        self.background_, self.index_ = background, index

    # Asking ----------------------------------------------------------------------------

    def nearest(self, X) -> tuple[np.ndarray, np.ndarray]:
        """The most similar stored embedding of each query, known or not.

        Parameters
        ----------
        X : as for :meth:`fit`

        Returns
        -------
        int array (n,), float32 array (n,)
            Its index into ``labels_``, and its cosine similarity in [-1, 1].

        Raises
        ------
        NotFittedError
            Before anything is stored.
        ValueError
            If a shape does not fit, an embedding is not finite, the index finds nothing, or the
            encoder was trained, or ``reading`` changed, since the gallery was made.

        Warns
        -----
        UserWarning
            If dark drawings on a light background meet light ones on a dark background.

        Examples
        --------
        >>> recognizer = Recognizer().fit([[1.0, 0.0], [0.0, 1.0]], ["right", "up"])
        >>> index, scores = recognizer.nearest([[0.6, 0.8]])
        >>> recognizer.labels_[index].tolist(), [round(float(score), 2) for score in scores]
        (['up'], [0.8])
        """
        queries = self._queries(X)
        k = 1 if self.index is None else min(N_CANDIDATES, len(self.embeddings_))
        _, candidates = self.index_.search(queries, k)
        # Sorted, so that the one stored first stands first among equal ones.
        candidates = np.sort(np.asarray(candidates, int), axis=1)
        if candidates.min() < 0:  # how FAISS says that it found fewer than k
            nothing = np.flatnonzero(candidates[:, -1] < 0)
            if len(nothing):
                raise ValueError(
                    f"the index found no stored embedding for query {nothing[0]}; expected one or "
                    "more. Let it search more of its cells (nprobe in FAISS), or leave index out."
                )
            candidates = np.where(candidates < 0, candidates[:, -1:], candidates)
        scores = np.einsum("nd,nkd->nk", queries, self.embeddings_[candidates])
        best = scores.argmax(axis=1)[:, None]
        index = np.take_along_axis(candidates, best, axis=1)[:, 0]
        return index, np.take_along_axis(scores, best, axis=1)[:, 0].clip(-1, 1)

    def predict(self, X, reject: bool = True) -> np.ndarray:
        """Label of each query: that of its most similar stored embedding, or ``unknown``.

        Parameters
        ----------
        X : as for :meth:`fit`
        reject : bool
            Whether a similarity that is not above the threshold gives ``unknown``. Defaults to
            True.

        Returns
        -------
        array (n,) of labels

        Raises
        ------
        NotFittedError, ValueError
            As for :meth:`nearest`, whose warning it has as well, and if ``threshold`` and
            ``unknown`` do not suit the labels.

        Examples
        --------
        >>> recognizer = Recognizer(threshold=0.5).fit([[0.0, 1.0], [1.0, 0.0]], ["up", "right"])
        >>> recognizer.predict([[0.6, 0.8], [-1.0, 0.0]]).tolist()
        ['up', 'unknown']
        >>> recognizer.predict([[0.6, 0.8], [-1.0, 0.0]], reject=False).tolist()
        ['up', 'up']
        """
        check_is_fitted(self, msg=NOTHING_STORED)
        threshold = self.threshold if reject else None
        check_rejection(threshold, self.unknown, self.classes_)
        index, scores = self.nearest(X)
        labels, known = self.labels_[index], accepted(scores, threshold)
        return labels if known.all() else np.where(known, labels, self.unknown)

    def predict_scores(self, X) -> np.ndarray:
        """Best similarity of each query to each class, compared with every stored embedding.

        Parameters, errors and warnings are those of :meth:`nearest`.

        Returns
        -------
        float32 array (n, n_classes)
            In [-1, 1]; columns as ``classes_``.

        Examples
        --------
        >>> recognizer = Recognizer().fit([[0.0, 1.0], [1.0, 0.0]], ["up", "right"])
        >>> recognizer.predict_scores([[0.6, 0.8]]).round(1)
        array([[0.6, 0.8]], dtype=float32)
        """
        queries = self._queries(X)
        classes = np.searchsorted(self.classes_, self.labels_)  # (n_stored,)
        return best_of_classes(queries, self.embeddings_, classes).clip(-1, 1)

    def compare(self, a, b) -> Comparison:
        """Say whether two images show the same class. The order does not matter.

        Parameters
        ----------
        a, b : path, or array (height, width, channels); an embedding (dim,) without an encoder

        Returns
        -------
        Comparison

        Raises
        ------
        DataError
            If a file is not a readable image.
        ValueError
            If there is no threshold, the encoder gives no finite numbers, or embeddings have
            different dimensions.

        Warns
        -----
        UserWarning
            As :meth:`nearest`.

        Examples
        --------
        Two vectors at 45 degrees:

        >>> answer = Recognizer(threshold=0.6).compare([1.0, 1.0], [1.0, 0.0])
        >>> round(answer.score, 3), answer.same
        (0.707, True)
        """
        if self.threshold is None:
            raise ValueError(
                "threshold is None; expected a cosine similarity in [-1, 1], above which two "
                "images are the same. Choose it on images of several classes: "
                "choose_threshold(images, labels)."
            )
        threshold = checked_threshold(self.threshold)
        (left, its_background), (right, other_background) = self._one(a), self._one(b)
        if left.shape != right.shape:
            raise ValueError(
                f"embeddings of {len(left)} and {len(right)} numbers; expected as many, as one "
                "encoder gives them"
            )
        warn_of_backgrounds(its_background, other_background, "one image", "the other")
        # Rounding leads a little out of the range.
        score = float(np.clip(left @ right, -1, 1))
        return Comparison(score, threshold, score > threshold)

    def evaluate(self, X, y) -> Assessment:
        """Measure how the recognizer does on classes that its encoder was not trained on.

        All pairs are compared, at the recognizer's threshold if it has one, and one image of
        each class is stored and the others asked. The gallery is not needed and not changed.

        Parameters
        ----------
        X : as for :meth:`fit`
        y : array (n,) of str or int

        Returns
        -------
        Assessment

        Raises
        ------
        ValueError
            If a shape or type does not fit, an embedding is not finite, there are fewer than two
            classes, or no class has two images.

        Warns
        -----
        UserWarning
            If the result is no better than chance, if the threshold gets more than half of the
            same pairs or of the different pairs wrong, or if :meth:`adapt` got the labels of some
            of these images, so that their classes are not new.

        Examples
        --------
        >>> vectors = np.repeat([[1.0, 0.0], [-0.8, 0.6]], 4, axis=0)
        >>> print(Recognizer(threshold=0.5).evaluate(vectors, list("aaaabbbb")))
        2 classes not trained on, 8 images:
          2-way one-shot 100.0 % (61.0 % to 100.0 %), chance 50.0 %
          equal error rate 0.0 %
          at threshold 0.500
            0.0 % of different pairs called same
            0.0 % of same pairs called different
        """
        labels = label_array(y)
        vectors = unit_vectors(self._embed(X)[0], False)
        _require_as_many(vectors, labels)
        known = self._whitened_for
        if (
            known is not None
            and are_among(sketches(self._without_adaptation()._embed(X)[0]), known).any()
        ):
            warn(
                "adapt got the labels of these images, so they are of no new classes, and what is "
                "measured on them is better than on new ones. Evaluate on other classes; "
                "choose_threshold leaves classes out by itself.",
            )
        threshold = None if self.threshold is None else checked_threshold(self.threshold)
        self.assessment_ = assess(vectors, labels, threshold)
        self._assessed = self._state()
        self._warn_of_doubt()
        return self.assessment_

    # Files -----------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write encoder, reading, threshold and what was measured as one ``.keras`` file.

        What was measured is ``assessment_`` and ``threshold_choice_``; the choice is left out,
        without a warning, if encoder, reading or threshold changed since. The file is written
        whole or not at all, and the gallery is not in it. Keras can load it as the encoder.

        Raises
        ------
        ValueError
            If there is no encoder, or the name does not end in ``.keras``.

        Warns
        -----
        UserWarning
            If encoder, reading or threshold changed since :meth:`evaluate`: what it found is
            not saved then.
        """
        encoder = self._checked_encoder()
        if encoder is None:
            raise ValueError("there is no encoder to save; save_gallery writes the embeddings")
        assessment = getattr(self, "assessment_", None)
        if assessment is not None and self._assessed != self._state():
            warn(
                "encoder, reading or threshold changed since evaluate, so the assessment is not "
                "saved. Call evaluate again.",
            )
            assessment = None
        settings = {
            "threshold": None if self.threshold is None else checked_threshold(self.threshold),
            "reading": self._reading_as_dict(),
            "assessment": None if assessment is None else assessment.as_dict(),
        }
        choice = getattr(self, "threshold_choice_", None)
        if choice is not None and self._chosen == self._state():
            settings["threshold_choice"] = choice.as_dict()
        if self._whitened_for is not None:
            settings["whitened_for"] = self._whitened_for.tobytes().hex()
        write_model(Path(path).expanduser(), encoder, settings)

    def export(self, path: str | Path) -> float:
        """Write the encoder for programs without Python, as one ONNX file.

        It takes images as :class:`Reading` gives them, and returns embeddings of length 1, so
        that their product is the similarity of :meth:`compare`. Reading and threshold are
        metadata of the file, as JSON. What ONNX Runtime computes is compared with Keras before
        the file is kept. Packages of the extra ``export`` are needed.

        Returns
        -------
        float
            The largest difference that was found.

        Raises
        ------
        ValueError
            If there is no encoder, the name does not end in ``.onnx``, or the two differ by more
            than 0.001.
        ImportError
            If one of the packages is missing.
        """
        encoder = self._checked_encoder()
        if encoder is None:
            raise ValueError("there is no encoder to export; save_gallery writes the embeddings")
        threshold = None if self.threshold is None else checked_threshold(self.threshold)
        settings = {
            "reading": self._reading_as_dict(),
            "pixels": "(batch, height, width, channels), "
            + (
                "ink 1 and paper 0"
                if self._reading().polarity == "ink"
                else "red first, from 0 (black) to 1 (white)"
            ),
            "threshold": threshold,
        }
        return write_onnx(Path(path).expanduser(), encoder, settings)

    def save_gallery(self, path: str | Path) -> None:
        """Write the gallery as one ``.npz`` file without pickled objects, whole or not at all.

        Of the encoder only the digest is in it; reading, threshold and ``unknown`` are.

        Raises
        ------
        NotFittedError
            Before anything is stored.
        ValueError
            If the name does not end in ``.npz``.
        """
        check_is_fitted(self, msg=NOTHING_STORED)
        unknown = self.unknown.item() if isinstance(self.unknown, np.generic) else self.unknown
        settings = {
            "threshold": None if self.threshold is None else checked_threshold(self.threshold),
            "unknown": unknown,
            "encoder": self.encoder_digest_,
            "reading": self.gallery_reading_,
        }
        arrays = (self.embeddings_, self.labels_, self.background_)
        write_gallery(Path(path).expanduser(), settings, *arrays)

    @classmethod
    def load(cls, path: str | Path, gallery: str | Path | None = None) -> "Recognizer":
        """Read what :meth:`save` wrote, on any backend, and a gallery if one is named.

        The files of version 1.0, a ``Verifier`` and the gallery of a ``OneShotClassifier``, are
        read as well.

        Parameters
        ----------
        path : str or Path
            Of the ``.keras`` file.
        gallery : str or Path
            Of the ``.npz`` file of :meth:`save_gallery`. Its threshold takes precedence.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is of another kind or incomplete, contains code, or has layers of an unknown
            class or settings of a later version; or if the gallery was made by another encoder, or
            its images were read in another way.

        Warns
        -----
        UserWarning
            If the saved assessment gives a reason for one of the warnings of :meth:`evaluate`.
        """
        path = Path(path).expanduser()
        encoder, settings = read_model(path)
        try:
            reading = Reading.from_dict(settings["reading"])
            assessment = settings["assessment"] and Assessment.from_dict(settings["assessment"])
            found = cls(encoder, settings["threshold"], reading=reading)
            if settings.get("whitened_for"):
                seen = np.frombuffer(bytes.fromhex(settings["whitened_for"]), "uint8")
                found._whitened_for = seen.reshape(-1, N_BITS // 8)
            if settings.get("threshold_choice"):
                found.threshold_choice_ = ThresholdChoice.from_dict(settings["threshold_choice"])
                found._chosen = found._state()
        except (KeyError, TypeError, ValueError) as error:
            raise _unknown_settings(path, error, "save") from error
        if assessment is not None:
            found.assessment_, found._assessed = assessment, found._state()
            found._warn_of_doubt()
        return found if gallery is None else found.load_gallery(gallery)

    def load_gallery(self, path: str | Path) -> "Recognizer":
        """Read a gallery that this recognizer's encoder made, in place of any that is there.

        Raises the errors of :meth:`load`, and then leaves the recognizer unchanged. If both have a
        threshold, the gallery's counts, with a ``UserWarning`` where they differ.
        """
        path = Path(path).expanduser()
        settings, embeddings, labels, background = read_gallery(path)
        digest = digest_or_none(self._checked_encoder())
        require_encoder(path, settings["encoder"], digest)
        reading = settings.get("reading")  # version 1.0 did not write it
        try:
            if reading is not None:
                Reading.from_dict(reading)
        except (KeyError, TypeError, ValueError) as error:
            raise _unknown_settings(path, error, "save_gallery") from error
        self._require_reading(reading)
        if background is None:
            background = np.full(len(labels), UNCLEAR)
        # Whether a label suits is asked by predict: a gallery without a threshold may meet a
        # model that has one.
        self._store(embeddings, background, labels, check=False)
        if settings["threshold"] is not None:
            if self.threshold is not None and self.threshold != settings["threshold"]:
                warn(
                    f"{path} has the threshold {settings['threshold']:.3f}, and the model has "
                    f"{self.threshold:.3f}; the gallery's counts. For the model's, set "
                    "recognizer.threshold and save the gallery again.",
                )
            self.threshold = settings["threshold"]
        self.unknown = settings["unknown"]
        self.encoder_digest_, self.gallery_reading_ = digest, reading
        if self.encoder is None:
            self.n_features_in_ = embeddings.shape[1]
            if hasattr(self, "feature_names_in_"):  # of a gallery before
                del self.feature_names_in_
        return self

    # Embedding -------------------------------------------------------------------------

    def _checked_encoder(self) -> keras.Model | None:
        if self.encoder is not None:
            image_shape(self.encoder)
        return self.encoder

    def _reading(self) -> Reading:
        return self.reading or Reading.of(self.encoder)

    def _reading_as_dict(self) -> dict | None:
        return None if self.encoder is None else self._reading().as_dict()

    def _state(self) -> tuple:
        """What an assessment belongs to."""
        return digest_or_none(self.encoder), self._reading_as_dict(), self.threshold

    def _require_same(self) -> None:
        """The encoder and the reading of the gallery, or ``ValueError``."""
        if digest_or_none(self._checked_encoder()) != self.encoder_digest_:
            raise ValueError(
                "the encoder is another one, or was trained, since the gallery was made; "
                "expected one encoder for all. Call fit with all images again."
            )
        self._require_reading(self.gallery_reading_)

    def _require_reading(self, wanted: dict | None) -> None:
        now = self._reading_as_dict()
        if wanted is not None and now != wanted:
            raise ValueError(
                f"the gallery was read as {Reading.from_dict(wanted)} and the recognizer reads "
                f"as {self._reading()}; expected one reading for both. Set reading as it was, or "
                "call fit with all images again."
            )

    def _queries(self, X) -> np.ndarray:
        check_is_fitted(self, msg=NOTHING_STORED)
        self._require_same()
        vectors, background = self._embed(X)
        warn_of_backgrounds(background, self.background_, "each query", "the gallery")
        return unit_vectors(vectors, stored=False)

    def _one(self, image) -> tuple[np.ndarray, np.ndarray]:
        """The unit vector (dim,) of one path, image or embedding, and its background."""
        vectors, background = self._embed([image] if is_path(image) else np.asarray(image)[None])
        if not math.isfinite(float(np.abs(vectors).max())):
            raise ValueError(
                "the embedding is not finite, so there is no similarity. The encoder's weights "
                "are not finite: train it again, with a lower learning rate."
            )
        return unit_vectors(vectors, stored=False)[0], background

    def _embed(self, X, store: bool = False, anew: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (n, dim), and the background of each image where it matters.

        Embeddings that are given have to fit those that are stored, unless they are stored anew.
        """
        if self.encoder is None:
            anew = anew or not self.__sklearn_is_fitted__()
            # A new estimator takes notice of the columns, so that a failure leaves this one.
            vectors = validate_data(type(self)() if anew else self, X, reset=anew)
            return vectors, np.full(len(vectors), UNCLEAR)
        self._checked_encoder()
        reading = self._reading()
        paths = are_paths(X)
        if isinstance(X, np.ndarray) and not paths:
            reading.require_images(X)  # as a whole, since the message names the shape
        # In blocks: photographs of a large folder do not fit into memory together.
        n_block = max(1, MAX_PIXELS // math.prod(reading.size))
        embeddings: list[np.ndarray] = []
        background: list[np.ndarray] = []
        for start, block in blocks(X, n_block):
            images = reading.read(block) if paths else reading.prepare(block, start)
            if store:
                refuse_blank(images, block, start)
            embeddings.append(embed(self.encoder, images, n_block))
            background.append(backgrounds(images, reading))
            if self.progress:
                self.progress(start + len(images), len(X))
        return np.concatenate(embeddings), np.concatenate(background)

    def _warn_of_doubt(self) -> None:
        doubt = self.assessment_.doubt
        if doubt is not None:
            warn(
                f"on classes that it was not trained on, this recognizer {doubt}.",
            )


def _require_as_many(embeddings: np.ndarray, labels: np.ndarray) -> None:
    if len(embeddings) != len(labels):
        raise ValueError(
            f"{len(embeddings)} images and {len(labels)} labels; expected one for each image"
        )


def _unknown_settings(path: Path, error: Exception, saver: str) -> ValueError:
    return ValueError(
        f"{path} has settings that this version does not know ({first_line(error)}). "
        f"Expected those of Recognizer.{saver}. Update the package, or save the file again."
    )
