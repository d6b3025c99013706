"""The settings of each chapter at each size.

``smoke`` runs every cell in seconds, to see that it runs; ``quick`` is what the page
shows, minutes on two processor cores; ``full`` is the scale of the sources, for a GPU.
"""

from types import SimpleNamespace

PROFILES = ("smoke", "quick", "full")

_SETTINGS: dict[str, dict[str, tuple]] = {
    # setting: (smoke, quick, full)
    "03_mnist_pairs": {
        "n_train": (1_000, 60_000, 60_000),  # training images, validation included
        "n_validation": (200, 5_000, 5_000),
        "mlp_epochs": (1, 8, 20),
        "n_pairs": (512, 120_000, 1_000_000),  # for the ConvNet
        "conv_epochs": (1, 3, 10),
        "n_test_pairs": (400, 20_000, 20_000),
        "n_splits": (2, 3, 10),  # splits with held-out digits
        "split_pairs": (512, 40_000, 200_000),
        "split_epochs": (1, 1, 5),
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
