"""Class-disjoint splits."""

import numpy as np
import pytest

from siamese_utils.datasets import (
    class_folds,
    koch_split,
    load_official_runs,
    load_omniglot,
    split_alphabets,
    split_classes,
    track,
)
from siamese_utils.datasets.omniglot_tables import (
    BACKGROUND_ALPHABETS,
    EVALUATION_ALPHABETS,
    RUN_ALPHABETS,
)


@pytest.fixture(scope="module")
def background():
    return load_omniglot("background")


@pytest.fixture(scope="module")
def evaluation():
    return load_omniglot("evaluation")


@pytest.fixture(scope="module")
def koch(background, evaluation):
    return koch_split(background, evaluation)


@pytest.fixture(scope="module")
def run_images():
    runs = load_official_runs()
    both = np.concatenate([runs.test_images, runs.support_images]).reshape(-1, 105 * 105)
    return {image.tobytes() for image in both}


def expect_no_run_alphabet(data, run_images):
    assert not set(data.alphabet_names) & set(RUN_ALPHABETS)
    # Of the pixels, too: a name says what was meant, not what was loaded.
    assert not any(image.tobytes() in run_images for image in data.images)


# --- Omniglot


def test_koch_splits_alphabets_30_10_10_and_drawers_12_4_4(koch):
    assert list(koch) == ["train", "validation", "test"]
    assert {name: len(data.alphabet_names) for name, data in koch.items()} == {
        "train": 30,
        "validation": 10,
        "test": 10,
    }
    assert [(min(d.drawers), max(d.drawers)) for d in koch.values()] == [
        (1, 12),
        (13, 16),
        (17, 20),
    ]
    for data, n_drawers in zip(koch.values(), (12, 4, 4), strict=True):
        assert set(np.bincount(data.labels)) == {n_drawers}
    assert len(koch["train"]) == 964 * 12


def test_the_three_parts_of_koch_are_all_fifty_alphabets_without_overlap(koch):
    names = [name for data in koch.values() for name in data.alphabet_names]
    assert len(names) == len(set(names)) == 50
    assert set(names) == set(BACKGROUND_ALPHABETS) | set(EVALUATION_ALPHABETS)
    assert set(koch["test"].alphabet_names) == set(RUN_ALPHABETS)


@pytest.mark.parametrize(
    ("name", "n_alphabets", "n_characters"),
    [
        ("original", 30, 964),
        ("augmented", 40, 964 + 277),
    ],
)
def test_a_track_never_trains_on_a_run(
    background, evaluation, run_images, name, n_alphabets, n_characters
):
    data = track(name, background, evaluation)
    assert len(data.alphabet_names) == n_alphabets
    assert len(data.character_names) == n_characters
    assert set(np.bincount(data.labels)) == {20}
    expect_no_run_alphabet(data, run_images)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_koch_never_trains_on_a_run(koch, run_images, part):
    expect_no_run_alphabet(koch[part], run_images)


@pytest.mark.parametrize("subset", ["small1", "small2"])
def test_the_small_sets_hold_no_run(run_images, subset):
    expect_no_run_alphabet(load_omniglot(subset), run_images)


def test_swapped_sets_are_refused(background, evaluation):
    with pytest.raises(ValueError, match=r"'Atlantean'.*official runs.*\"background\"\) first"):
        track("original", evaluation, background)
    with pytest.raises(ValueError, match="official runs"):
        koch_split(evaluation, background)


def test_an_unknown_track_is_named_with_the_known_ones(background, evaluation):
    with pytest.raises(ValueError, match=r"'minimal'.*original, augmented"):
        track("minimal", background, evaluation)


def test_split_alphabets_sets_whole_alphabets_aside():
    data = load_omniglot("small1")
    train, validation = split_alphabets(data, 2, np.random.default_rng(0))
    assert (len(train.alphabet_names), len(validation.alphabet_names)) == (3, 2)
    assert set(train.alphabet_names) | set(validation.alphabet_names) == set(data.alphabet_names)
    assert len(train) + len(validation) == len(data)
    assert set(train.character_names).isdisjoint(validation.character_names)


def test_split_alphabets_follows_the_generator():
    data = load_omniglot("small1")
    choices = [
        split_alphabets(data, 2, np.random.default_rng(seed))[1].alphabet_names
        for seed in (0, 0, 1, 2, 3)
    ]
    assert choices[0] == choices[1]
    assert len(set(choices)) > 1


@pytest.mark.parametrize("n", [0, 5, -1, 2.0, "2", True, None])
def test_split_alphabets_leaves_no_part_empty(n):
    with pytest.raises(ValueError, match=f"n_validation is {n!r}; expected"):
        split_alphabets(load_omniglot("small1"), n, np.random.default_rng(0))


@pytest.mark.parametrize("rng", [0, None, np.random, np.random.RandomState(0)])
def test_a_seed_is_no_generator(rng):
    for split in (
        lambda: split_alphabets(load_omniglot("small1"), 2, rng),
        lambda: class_folds(LABELS, 2, rng),
    ):
        with pytest.raises(ValueError, match=r"rng is .*; expected a generator"):
            split()


# --- labels alone

FOLDS_OF_PEOPLE = [[4, 11, 23, 24, 27], [1, 2, 3, 18, 34]]
FOLDS_OF_DIGITS = [[4, 6], [2, 7], [3, 5], [0, 9], [1, 8]]

LABELS = np.array([7, 1, 1, 3, 7, 3, 1])


def test_split_classes_holds_all_examples_of_a_class_out():
    rest, held_out = split_classes(LABELS, [1, 3])
    assert rest.tolist() == [0, 4]
    assert held_out.tolist() == [1, 2, 3, 5, 6]


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ([1, 4], r"no class 4 in the labels; there are \[1, 3, 7\]"),
        ([], "0 of 3 classes; expected at least one"),
        ([1, 3, 7], "3 of 3 classes; expected .* one to remain"),
    ],
)
def test_split_classes_refuses(held_out, message):
    with pytest.raises(ValueError, match=message):
        split_classes(LABELS, held_out)


def test_forty_people_make_eight_folds_of_five():
    labels = np.repeat(np.arange(40), 10)
    folds = class_folds(labels, 8, np.random.default_rng(0))
    people = [set(labels[held_out]) for _, held_out in folds]
    assert [len(fold) for fold in people] == [5] * 8
    assert set.union(*people) == set(range(40))
    for (rest, held_out), fold in zip(folds, people, strict=True):
        assert set(labels[rest]) == set(range(40)) - fold
        assert sorted([*rest, *held_out]) == list(range(400))


def test_folds_are_drawn_by_the_generator_and_differ_by_one_class_at_most():
    labels = np.arange(11)
    folds = [
        [held_out.tolist() for _, held_out in class_folds(labels, 3, np.random.default_rng(seed))]
        for seed in (5, 5, 6)
    ]
    assert folds[0] == folds[1] != folds[2]
    assert sorted(map(len, folds[0])) == [3, 4, 4]


@pytest.mark.parametrize("n", [1, 4, 2.0, "2", True])
def test_class_folds_refuses(n):
    with pytest.raises(ValueError, match=f"n_folds is {n!r}; expected"):
        class_folds(LABELS, n, np.random.default_rng(0))


def test_the_folds_of_the_chapters_stay_as_they_are():
    """The stored outputs of chapters 03 and 04 depend on this order."""
    people = np.repeat(np.arange(40), 10)
    folds = [held for _, held in class_folds(people, 8, np.random.default_rng(0))]
    assert [np.unique(people[held]).tolist() for held in folds[:2]] == FOLDS_OF_PEOPLE
    digits = np.tile(np.arange(10), 3)
    folds = [held for _, held in class_folds(digits, 5, np.random.default_rng(0))]
    assert [np.unique(digits[held]).tolist() for held in folds] == FOLDS_OF_DIGITS


# --- labels of any harmless shape and type

SAME = {
    "a column": LABELS[:, None],
    "two axes of one": LABELS[:, None, None],
    "a list": LABELS.tolist(),
    "uint8": LABELS.astype("uint8"),
    "float16": LABELS.astype("float16"),
    "float64": LABELS.astype("float64"),
}


@pytest.mark.parametrize("labels", SAME.values(), ids=SAME)
def test_labels_of_any_harmless_kind_give_the_same_split(labels):
    rng = np.random.default_rng
    found = [split_classes(labels, [1, 3]), *class_folds(labels, 3, rng(0))]
    expected = [split_classes(LABELS, [1, 3]), *class_folds(LABELS, 3, rng(0))]
    for parts in zip(found, expected, strict=True):
        for one, other in zip(*parts, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "held_out", [[7], (7,), {7}, np.array([7]), np.array([[7]]), [7.0], [7, 7]]
)
def test_held_out_classes_in_any_collection(held_out):
    assert split_classes(LABELS, held_out)[1].tolist() == [0, 4]


def test_labels_may_be_names_or_large_numbers():
    names = np.array(["cat", "dog", "cat"])
    assert split_classes(names, ["dog"])[1].tolist() == [1]
    assert len(class_folds(names, 2, np.random.default_rng(0))) == 2
    large = np.array([0, 1, 2]) + 2026112400
    assert split_classes(large, [2026112401])[1].tolist() == [1]


@pytest.mark.parametrize(
    "labels", [np.eye(3), np.array([0.5, 1.0]), ["a", 1], [None, 1], np.array(3)]
)
def test_what_are_no_labels_is_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        split_classes(labels, [1])
    with pytest.raises(ValueError, match="labels"):
        class_folds(labels, 2, np.random.default_rng(0))


@pytest.mark.parametrize("held_out", ["dog", 7, None])
def test_one_class_is_no_collection(held_out):
    """Of a name, the letters were looked for."""
    with pytest.raises(ValueError, match=r"held_out is .*; expected a collection, such as \["):
        split_classes(["dog", "cat", "d"], held_out)
