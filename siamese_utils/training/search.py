"""Look for layer-wise values that Koch's paper searched for and did not publish."""

import contextlib
import itertools
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from .._checks import whole_number

# The paper's ranges (section 3.2). Zero has no place on a logarithmic scale, so L2 starts at
# a strength that hardly does anything.
RATES, MOMENTA, L2 = (1e-4, 1e-1), (0.0, 1.0), (1e-6, 1e-1)


@dataclass(frozen=True)
class LayerwiseValues:
    """A learning rate, a final momentum and a strength of L2 for each layer, by its name.

    What Koch et al. (2015, section 3.2) searched for and did not publish.

    Attributes
    ----------
    rates : dict from layer name to float
        As :class:`LayerwiseSGD` takes them; in the search from 0.0001 to 0.1.
    momenta : dict from layer name to float
        As :class:`LayerwiseSGD` takes them; in the search from 0 to 1.
    l2 : dict from layer name to float
        As :func:`siamese_utils.models.koch_encoder` takes it; in the search from 0.000001 to 0.1.

    Examples
    --------
    >>> values = LayerwiseValues({"dense": 0.01}, momenta={"dense": 0.9}, l2={"dense": 1e-4})
    >>> values.rates["dense"], values.momenta["dense"], values.l2["dense"]
    (0.01, 0.9, 0.0001)
    """

    rates: dict[str, float]
    momenta: dict[str, float]
    l2: dict[str, float]


@dataclass(frozen=True)
class LayerwiseSearch:
    """Values that were tried, in order, and the accuracy of each.

    Attributes
    ----------
    values : tuple of LayerwiseValues
    accuracies : array (n_trials,)
        In [0, 1].

    Examples
    --------
    Two rates, of which the second was better:

    >>> momenta, l2 = {"dense": 0.9}, {"dense": 1e-4}
    >>> tried = tuple(LayerwiseValues({"dense": rate}, momenta, l2) for rate in (0.1, 0.01))
    >>> LayerwiseSearch(tried, np.array([0.4, 0.6])).best.rates
    {'dense': 0.01}
    """

    values: tuple[LayerwiseValues, ...]
    accuracies: np.ndarray

    @property
    def best(self) -> LayerwiseValues:
        """The values of the highest accuracy; the first ones of several."""
        return self.values[int(np.argmax(self.accuracies))]


def layerwise_search(
    objective: Callable[[LayerwiseValues], float],
    layers: Sequence[str] | Mapping[str, Sequence[str]],
    n_trials: int,
    seed: int = 0,
    storage: str | Path | None = None,
    n_random: int = 10,
) -> LayerwiseSearch:
    """Search rates, momenta and L2 for each layer, over the paper's ranges, with Optuna.

    Rates are drawn from [0.0001, 0.1] and strengths of L2 from [0.000001, 0.1] on a
    logarithmic scale, momenta from [0, 1]. After some random trials, Optuna's TPE sampler
    draws values that are frequent among good trials and rare among the others. The paper
    used another Bayesian optimiser, and searched the network's sizes too (section 3.2).

    Parameters
    ----------
    objective : function (LayerwiseValues) -> float
        Trains with these values, and returns the one-shot accuracy on *validation* classes:
        the more values are tried, the more the best one's accuracy owes to luck.
    layers : names, or mapping from a group's name to the names of its layers
        The layers of a group share their values, which makes the search smaller.
    n_trials : int
        In all, with those that the storage already has.
    seed : int
    storage : path
        A file to which each trial is written when it is done. When you call the search again, only
        the missing trials run, and give what they would have given without the pause. Several
        processes, also on several machines that share the file, may search in one storage at
        once: each trial is run by one of them, all return the same trials, and if a process is
        killed, another one repeats its trial. Defaults to None: nothing is written.
    n_random : int
        How many trials are random. Defaults to 10.

    Returns
    -------
    LayerwiseSearch
        Of the first ``n_trials`` trials.

    Raises
    ------
    ValueError
        For an accuracy outside [0, 1], or a storage of other layers, another seed or another
        ``n_random``.

    Examples
    --------
    An objective that only counts how near a momentum is to 1. The layers of a group share it:

    >>> groups = {"convolutions": ["conv1", "conv2"], "dense": ["dense"]}
    >>> found = layerwise_search(lambda values: values.momenta["conv1"], groups, n_trials=3)
    >>> len(found.values), list(found.best.rates)
    (3, ['conv1', 'conv2', 'dense'])
    >>> bool(found.best.momenta["conv2"] == found.accuracies.max())
    True
    """
    import optuna  # here, because it takes half a second that most chapters do not need

    n_trials, seed = whole_number(n_trials, "n_trials", 1), whole_number(seed, "seed", 0)
    n_random = whole_number(n_random, "n_random", 0)
    groups = layers if isinstance(layers, Mapping) else {layer: (layer,) for layer in layers}
    settings = {
        "groups": {group: list(names) for group, names in groups.items()},
        "seed": seed,
        "n_random": n_random,
        "numbered": True,  # each trial has its number in the search, which version 1 did not write
    }
    storage = None if storage is None else Path(storage).expanduser()
    with _quiet(optuna):
        with _lock(storage, "claim"):
            study = _study(optuna, storage, settings)
        while missing := [n for n in range(n_trials) if n not in _done(study)]:
            with _first_free(storage, missing) as number:
                if number in _done(study):  # by the process that worked on it until now
                    continue
                # A sampler for each trial: one that went on would, after a pause, repeat itself.
                study.sampler = optuna.samplers.TPESampler(
                    n_startup_trials=n_random,
                    seed=int(np.random.default_rng([seed, number]).integers(2**32)),
                    constant_liar=True,  # takes notice of what other processes are trying
                )
                with _lock(storage, "claim"):
                    trial = _claim(optuna, study, number)
                accuracy = float(objective(_suggest(trial, groups)))
                if not 0 <= accuracy <= 1:
                    raise ValueError(
                        f"the objective returned {accuracy}; expected an accuracy, 0 to 1"
                    )
                study.tell(trial, accuracy)
        done = _done(study)
    trials = [done[number] for number in range(n_trials)]
    values = tuple(_suggest(optuna.trial.FixedTrial(t.params), groups) for t in trials)
    return LayerwiseSearch(values, np.array([t.value for t in trials]))


def _study(optuna, storage: Path | None, settings: dict):
    """The study of a storage, which is made if need be, if it is of this search."""
    study = optuna.create_study(
        storage=_journal(storage), study_name="layerwise", load_if_exists=True,
        direction="maximize",
    )  # fmt: skip
    found = study.user_attrs.get("settings")
    if found is None:
        study.set_user_attr("settings", settings)
    elif found != settings:
        raise ValueError(
            f"{storage} holds the search of {found}; asked for {settings}. "
            "Give each search a file of its own."
        )
    return study


def _done(study) -> dict:
    """The finished trials, by their numbers in the search."""
    return {t.user_attrs["number"]: t for t in study.trials if t.value is not None}


def _claim(optuna, study, number: int):
    """A new trial of this number in the search.

    One that still counts as running was left by a process that ended, or it would hold the
    lock; so was one without a number, which gets it under the lock that is held here.
    """
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        if trial.user_attrs.get("number", number) == number:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    trial = study.ask()
    trial.set_user_attr("number", number)
    return trial


def _lock(storage: Path | None, what: str | int):
    """A lock beside the storage, which the system takes off a process that ends."""
    if storage is None:
        return contextlib.nullcontext()
    storage.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{storage}.{what}.lock")


@contextlib.contextmanager
def _first_free(storage: Path | None, numbers: Sequence[int]) -> Iterator[int]:
    """Hold the lock of the first trial that no process works on; wait while there is none."""
    if storage is None:
        yield numbers[0]
        return
    for n_tried, number in enumerate(itertools.cycle(numbers)):
        lock = _lock(storage, number)
        try:
            lock.acquire(timeout=0 if n_tried < len(numbers) else 0.2)
        except Timeout:
            continue
        try:
            yield number
            # The trial is done, and who waits for this lock will see it; Windows keeps a file
            # that another process has opened.
            with contextlib.suppress(PermissionError):
                Path(lock.lock_file).unlink(missing_ok=True)
        finally:
            lock.release()
        return


def _suggest(trial, groups: Mapping[str, Sequence[str]]) -> LayerwiseValues:
    """Draw the values of each group, and give them to its layers."""
    found: dict[str, dict[str, float]] = {"rates": {}, "momenta": {}, "l2": {}}
    for group, layers in groups.items():
        drawn = {
            "rates": trial.suggest_float(f"{group} rate", *RATES, log=True),
            "momenta": trial.suggest_float(f"{group} momentum", *MOMENTA),
            "l2": trial.suggest_float(f"{group} L2", *L2, log=True),
        }
        for kind, value in drawn.items():
            found[kind].update(dict.fromkeys(layers, value))
    return LayerwiseValues(**found)


def _journal(storage: Path | None):
    if storage is None:
        return None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(storage)))


@contextlib.contextmanager
def _quiet(optuna) -> Iterator[None]:
    """Optuna reports each trial on stderr, which is not for readers of a page."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
