"""The settings of each chapter at each size.

``smoke`` runs every cell in seconds, to see that it runs; ``quick`` is what the page
shows, minutes on two processor cores; ``full`` is the scale of the sources, for a GPU.
"""

from string import ascii_uppercase
from types import SimpleNamespace

PROFILES = ("smoke", "quick", "full")

_SETTINGS: dict[str, dict[str, tuple]] = {
    # setting: (smoke, quick, full)
    "01_koch_paper": {
        "n_images": (20, 300, 300),  # that the start of the weights is fitted to
        "n_runs": (1, 20, 20),  # of 20 trials each, which watch the training
        "n_steps": (4, 64, 4_000),  # with units for bfloat16; multiples of 4
        "n_steps_float32": (4, 40, 4_000),  # on a processor without them
    },
    "02_contrastive_loss": {
        "n_watched": (4, 60, 60),  # steps of the run that collapses, and of its healthy twin
        "filters": ((2, 4), (8, 24), (8, 24)),  # of the ConvNet that is timed
        "n_timed": (1, 15, 50),  # turns of the timing
        "n_ways": (2, 5, 5),  # of five: ways to compare that are trained
        "n_fit": (512, 12_800, 35_840),  # images of the digits 0 to 6; a multiple of 256
        "epochs": (1, 4, 20),  # over them, in batches of 256
        "n_measured": (512, 3_000, 3_000),  # images of each set that is measured
        "n_pairs": (200, 4_000, 4_000),  # from each set
        "swapped_pairs": (200, 6_400, 25_600),  # for the training with swapped labels
        "n_seeds": (1, 3, 3),
    },
    "03_mnist_pairs": {
        "n_train": (1_500, 60_000, 60_000),  # training images, validation included
        "n_test": (2_000, 10_000, 10_000),
        "n_validation": (500, 5_000, 5_000),
        "mlp_epochs": (1, 5, 20),
        "conv_epochs": (1, 2, 4),
        "n_folds": (2, 3, 5),  # groups of digits, each left out once
        "fold_images": (1_000, 12_000, 60_000),  # of the digits that are not left out
        "fold_epochs": (1, 1, 4),
        "n_fold_pairs": (200, 2_000, 2_000),  # for its threshold, and for its test
    },
    "04_att_faces": {
        "n_pairs": (256, 10_000, 10_000),  # of each kind, as the source draws them
        "s2_epochs": (1, 4, 20),
        "s2_folds": (1, 1, 8),  # of eight: folds on which the source's network is trained
        "n_folds": (2, 8, 8),  # of eight: folds on which our recipe is trained
        "filters": ((4, 8), (16, 32), (16, 32)),
        "n_variants": (2, 20, 40),  # distorted copies of each image
        "n_steps": (5, 100, 200),
        "n_members": (1, 1, 6),  # encoders whose embeddings are joined
    },
    "05_omniglot_20way": {
        "filters": ((2, 4, 4, 4), (24, 48, 64, 64), (64, 64, 64, 64)),
        "n_letters": (4, 20, 20),  # in a batch, by four drawers each
        "rate": (0.003, 0.003, 0.003),
        "n_steps": (4, 1_000, 4_000),  # a multiple of 4
    },
    "06_triplet": {
        "n_fit": (2_000, 55_000, 55_000),  # MNIST images to train on
        "n_gallery": (500, 5_000, 5_000),  # of them, to find the nearest one among
        "n_validation": (300, 5_000, 5_000),
        "filters": ((2, 4), (8, 24), (16, 32)),
        "per_epoch": (2, 10, 10),  # steps from one point of a curve to the next
        "n_minings": (2, 5, 5),  # of five: ways to use triplets that are trained
        "n_steps": (2, 120, 1_000),  # of each of them
        "first_steps": (0, 60, 500),  # of them: semi-hard, before the hardest
        "n_ways_out": (1, 3, 3),  # of three: ways out of a collapse
    },
    "07_your_own_images": {
        "letters": ("ABCDEFGHIJKL", ascii_uppercase, ascii_uppercase),
        "n_trials": (40, 1_000, 4_000),  # one-shot trials
        "head_steps": (2, 100, 400),  # of a dense layer on frozen embeddings
        "n_draws": (2, 20, 100),  # of the images that are stored
        "n_distorted": (20, 1_000, 1_000),  # drawings, or all where there are fewer
        "n_pairs": (200, 3_000, 8_000),
        "pair_epochs": (1, 8, 20),
        "filters": ((2, 4), (8, 24), (16, 48)),
        "n_steps": (2, 200, 1_000),  # of the book's recipe
        "stored": ((1_000,), (1_000, 10_000, 100_000), (1_000, 10_000, 100_000, 1_000_000)),
    },
    "08_past_the_paper": {
        "n_mapped": (60, 520, 520),  # drawings of the map
        "side": (28, 42, 56),  # of the letters, in pixels
        "filters": ((2, 4, 4, 4), (24, 48, 48, 96), (24, 48, 96, 96)),  # of each block
        "n_letters": (4, 20, 20),  # in a batch, by four drawers each
        "composed": (0.0, 0.0, 0.3),  # share of the batches
        "per_epoch": (2, 100, 200),  # steps
        "n_steps": (4, 1_600, 20_000),
        "n_tasks": (1, 40, 4_000),  # of Reptile
        "n_reptile_trials": (2, 20, 1_000),
    },
}


def settings(chapter: str, profile: str) -> SimpleNamespace:
    """The settings of a chapter at a profile, as attributes.

    Parameters
    ----------
    chapter : str
        The notebook's name without its ending, such as ``"03_mnist_pairs"``.
    profile : {"smoke", "quick", "full"}

    Returns
    -------
    SimpleNamespace
        One attribute for each setting; what it counts stands beside it in this module.

    Raises
    ------
    ValueError
        For an unknown chapter or profile.

    Examples
    --------
    The test images of MNIST that the third chapter measures on:

    >>> [settings("03_mnist_pairs", profile).n_test for profile in PROFILES]
    [2000, 10000, 10000]
    """
    if chapter not in _SETTINGS:
        raise ValueError(f"no settings for chapter {chapter!r}; there are {', '.join(_SETTINGS)}")
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; expected one of {', '.join(PROFILES)}")
    column = PROFILES.index(profile)
    return SimpleNamespace(**{name: v[column] for name, v in _SETTINGS[chapter].items()})
