"""The settings of each chapter at each size.

``smoke`` runs every cell in seconds, to see that it runs; ``quick`` is what the page
shows, minutes on two processor cores; ``full`` is the scale of the sources, for a GPU.
"""

from types import SimpleNamespace

PROFILES = ("smoke", "quick", "full")

_SETTINGS: dict[str, dict[str, tuple]] = {
    # setting: (smoke, quick, full)
    "03_mnist_pairs": {
        "n_train": (1_500, 60_000, 60_000),  # training images, validation included
        "n_test": (2_000, 10_000, 10_000),
        "n_validation": (500, 5_000, 5_000),
        "mlp_epochs": (1, 5, 20),
        "conv_epochs": (1, 4, 12),
        "n_folds": (2, 3, 5),  # groups of digits, each left out once
        "fold_images": (1_000, 20_000, 60_000),  # of the digits that are not left out
        "fold_epochs": (1, 1, 6),
        "n_fold_pairs": (200, 2_000, 2_000),  # for its threshold, and for its test
    },
}


def settings(chapter: str, profile: str) -> SimpleNamespace:
    """The settings of a chapter at a profile, as attributes.

    Parameters
    ----------
    chapter : str
        The notebook's name without its ending, such as ``"03_mnist_pairs"``.
    profile : {"smoke", "quick", "full"}

    Raises
    ------
    ValueError
        For an unknown chapter or profile.
    """
    if chapter not in _SETTINGS:
        raise ValueError(f"no settings for chapter {chapter!r}; there are {', '.join(_SETTINGS)}")
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; expected one of {', '.join(PROFILES)}")
    column = PROFILES.index(profile)
    return SimpleNamespace(**{name: v[column] for name, v in _SETTINGS[chapter].items()})
