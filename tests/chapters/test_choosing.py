"""The numbers of the page *Choosing* are those of the stored outputs and records.

`make refresh` may change a source; then the page and the claim are to be changed, and what the
page concludes is to be read again.
"""

import re

import pytest
from claims import NUMBER, fault, source
from conftest import ROOT

PAGE = (ROOT / "book" / "choosing.md").read_text(encoding="utf-8")

GAIN = "| * | *# (*# to *#) |"  # of the tables of chapter 08, with or without signs

# The source is a chapter by its number, for its outputs, or its code with "code", or the table
# of a benchmark by its name.
CLAIMS = [
    # Which task
    ("| 90.8 % (89.4 to 91.9) of pairs within", "05", "| small network | * | @share |$"),
    ("| 88.0 % (84.4 to 90.8) of the", "05", "| official runs | * | * | @share |"),
    ("| 92.8 % (91.6 to 93.9) of pairs |", "05", "| recorded network, seed 1 | * | @share |$"),
    ("| 95.0 % (92.4 to 96.7) |", "05", "| official runs | * | @share | * |"),
    ("has 99.22 % (99.03 to 99.37) of", "03", "| ConvNet | # % (# % to # %) | * | 0.*"),
    ("error rate of 3.1 % (1.8 to 3.9 over", "03", "| ConvNet | # % (# % to # %) | *% (*) | *% (*"),
    ("of 24.7 % (24.0 to 25.8) on the", "03", "| ConvNet | *% (*) | # % (# % to # %) | *"),
    ("where 66.8 % (60.3 to 70.2) of", "03", "| ConvNet | *% (*) | *% (*) | # % (# % to # %) | *"),
    ("there is 27.5 % (24.1 to 33.2)", "03", "| ConvNet | 9 | * | # % (# % to # %) | *"),
    (
        "features 17.9 % (10.7 to 25.7)",
        "03",
        "| classifier's features | 9 | * | # % (# % to # %) | *",
    ),
    ("98.5 % on a random split", "04", "| recorded, 20 epochs | # % | *"),
    ("16.5 % on people never", "04", "recorded, 20 epochs, all eight folds: #%"),
    ("raw pixels have 14.5 %", "04", "raw pixels, all eight folds: mean EER #%"),
    ("has 84.5 % (83.4 to 85.6) in", "05", "| random, all twenty alphabets | * | @share | * |"),
    ("93.9 % (92.2 to 95.2) in trials", "05", "| across alphabets | * | @share | * |"),
    # Which loss
    (
        "| multi-similarity | 82.1 (81.2 to 82.7) | 83.9 (83.6 to 84.1) | 51.4 (50.7 to 52.3) |",
        "06",
        "| multi-similarity | @mean | @mean | @mean |",
    ),
    (
        "| triplet, batch hard | 81.7 (80.5 to 82.3) | 82.1 (81.5 to 82.6) | 49.0 (48.1 to 49.5) |",
        "06",
        "| triplet, batch hard | @mean | @mean | @mean |",
    ),
    (
        "| triplet, semi-hard | 81.4 (80.8 to 82.2) | 81.8 (81.7 to 81.9) | 48.8 (48.2 to 49.2) |",
        "06",
        "| triplet, semi-hard | @mean | @mean | @mean |",
    ),
    (
        "contrastive | 81.7 (81.3 to 82.2) | 81.8 (81.5 to 82.3) | 48.8 (48.7 to 48.8) |",
        "06",
        "| supervised contrastive | @mean | @mean | @mean |",
    ),
    (
        "negatives | 81.1 (80.6 to 81.3) | 81.1 (80.7 to 81.6) | 47.8 (47.5 to 48.2) |",
        "06",
        "| contrastive, hardest negatives | @mean | @mean | @mean |",
    ),
    (
        "| lifted structure | 79.8 (79.0 to 81.2) | 81.5 (81.4 to 81.5) | 47.6 (47.4 to 47.7) |",
        "06",
        "| lifted structure | @mean | @mean | @mean |",
    ),
    (
        "| ArcFace (proxies) | 80.0 (79.2 to 80.8) | 80.8 (80.6 to 80.9) | 46.6 (46.4 to 46.7) |",
        "06",
        "| ArcFace (proxies) | @mean | @mean | @mean |",
    ),
    (
        "| Koch's head | 79.3 (78.3 to 80.0) | 79.5 (79.2 to 79.7) | 45.6 (45.4 to 45.8) |",
        "06",
        "| Koch's head | @mean | @mean | @mean |",
    ),
    (
        "| softmax classifier | 76.7 (76.5 to 77.0) | 77.5 (77.0 to 78.0) | 42.0 (41.6 to 42.4) |",
        "06",
        "| softmax classifier | @mean | @mean | @mean |",
    ),
    (
        "all pairs | 66.2 (64.5 to 67.8) | 48.2 (42.7 to 51.6) | 20.8 (17.7 to 22.6) |",
        "06",
        "| contrastive, all pairs | @mean | @mean | @mean |",
    ),
    (
        "loss gains 27.0 (+24.8 to +29.3) points",
        "06",
        "| contrastive, hardest negatives | contrastive, all pairs | * | * | *# (*# to *#) |",
    ),
    (
        "difference is 0.0 (−0.3 to +0.3) points",
        "06",
        "| supervised contrastive | triplet, semi-hard | * | * | *# (*# to *#) |",
    ),
    (
        "loss by 2.6 (+1.9 to +3.6) points",
        "06",
        "| multi-similarity | supervised contrastive | * | * | *# (*# to *#) |",
    ),
    (
        "an alphabet by 0.4 (−0.6 to +1.3), which",
        "06",
        "| multi-similarity | supervised contrastive | *# (*# to *#) | * | * |",
    ),
    (
        "bring 4.6 (+3.6 to +5.5) points",
        "06",
        "| ArcFace (proxies) | softmax classifier | * | * | *# (*# to *#) |",
    ),
    (
        "loss by −2.2 (−3.4 to −0.7). The features",
        "06",
        "| ArcFace (proxies) | supervised contrastive | * | * | *# (*# to *#) |",
    ),
    ("semi-hard mining has 97.7 % (97.3 to 98.1)", "06", "| semi-hard | # (# to #) |"),
    ("batch all 97.4 % (96.9 to 97.8)", "06", "| batch all | # (# to #) |"),
    ("random triplets 96.9 % (96.4 to 97.4)", "06", "| random | # (# to #) |"),
    ("from the start 94.4 % (93.8 to 95.0)", "06", "| batch hard | # (# to #) |"),
    ("semi-hard mining it has 97.6 % (97.2 to 98.0)", "06", "| semi-hard first | # (# to #) |"),
    ("0.0 points (−0.4 to +0.4) on", "08", f"| softmax against other letters only {GAIN}"),
    ("−2.1 points (−2.9 to −1.3)", "08", f"| Koch's head {GAIN}"),
    ("−1.5 points (−1.9 to −1.0)", "08", f"| matching network {GAIN}"),
    ("−1.7 points (−2.1 to −1.3)", "08", f"| prototypical network {GAIN}"),
    # Which distance, which head
    ("| raw pixels | 67.9 % | 63.5 % |", "02", "| raw pixels | # % | # % |"),
    (
        "| Euclidean | 94.2 % (94.0 to 94.3) | 61.8 % (60.6 to 63.0) |",
        "02",
        "| Euclidean | # % (# to #) | # % (# to #) |",
    ),
    (
        " | 94.0 % (93.6 to 94.2) | 62.3 % (61.2 to 62.9) |",
        "02",
        "| L1 | # % (# to #) | # % (# to #) |",
    ),
    (
        "| cosine | 94.6 % (94.0 to 95.4) | 64.4 % (63.5 to 65.4) |",
        "02",
        "| cosine | # % (# to #) | # % (# to #) |",
    ),
    (
        " | 92.5 % (92.3 to 92.9) | 63.1 % (62.7 to 63.5) |",
        "02",
        "| weighted L1 | # % (# to #) | # % (# to #) |",
    ),
    (
        " | 92.6 % (92.0 to 93.2) | 62.2 % (61.5 to 63.0) |",
        "02",
        "| exp(-L1) | # % (# to #) | # % (# to #) |",
    ),
    (
        "| Euclidean, all pairs | 96.5 % (96.4 to 96.7) | 60.8 % (59.1 to 61.8) |",
        "02",
        "| Euclidean, all pairs | # % (# to #) | # % (# to #) |",
    ),
    ("has 21.9 % (20.5 to 23.4) on", "05", "| the sources' recipe | @share |"),
    ("65.8 % (64.1 to 67.5) with", "05", "| a start fitted to the images | @share |"),
    ("they have 77.1 %, against", "05", "| hard pairs weighted | #% (*) | * |"),
    ("against 73.5 % for mixed", "05", "| all pairs of a batch | #% (*) | * |"),
    ("never seen is 0.013 in", "04", "expected calibration error #"),
    # Which batch
    ("have 96.5 % (96.4 to 96.7 over", "02", "| Euclidean, all pairs | # % (# to #) |"),
    ("against 94.2 % (94.0 to 94.3) on", "02", "| Euclidean | # % (# to #) |"),
    (
        "With 320 images, a step on all 51,040 pairs takes 0.258 s, and one on listed pairs "
        "0.245 s (160 pairs); as many listed pairs as the batch holds take 302.3 times",
        "growth",
        "| # | # | # | # (# pairs) | * | # | ≥ 100 |",
    ),
    ("145.2 times as long", "triplets", "| training, per 1,000 triplets seen (ms) | * | * | # |"),
    ("make 18,240 triplets", "06", "20 classes of  4: # triplets"),
    ("make 124,800 triplets", "06", " 2 classes of 40: # triplets"),
    ("−0.1 points (−1.0 to +0.8)", "08", f"| letters of one alphabet in a batch {GAIN}"),
    # Which margin, which temperature
    ("kept 4.0 for Euclidean", "02 code", '"Euclidean": (*contrastive(#), 1.0),'),
    ("20.0 for L1", "02 code", '"L1": (*contrastive(#), 1.0),'),
    ("0.5 for cosine", "02 code", '"cosine": (*contrastive(#), 1.0),'),
    ("1.491 among ten classes", "02", " 10 classes: at most # apart"),
    ("1.421 among a hundred", "02", "100 classes: at most # apart"),
    ("have 0.5 on digits", "06 code", "^margin: float = # "),
    ("1.2 points (0.7 to 1.7) over", "08", f"| temperature 0.05 for 0.1 {GAIN}"),
    # Which threshold
    ("chose 0.1 for triplets", "06", "| triplet, semi-hard | * | * | * | margin # |"),
    ("chose 0.1 for triplets", "06", "| triplet, batch hard | * | * | * | margin # |"),
    ("and chose 0.05 on", "06", "| supervised contrastive | * | * | * | temperature # |"),
    ("and 8.6 % in the [recorded", "results", "| EER of the trained recipe | # % (*) |"),
    ("run, 97.40 % of random", "03", "| this page, 5 epochs | * | * | # % |"),
    ("97.77 % (97.46 to 98.04) at", "03", "| dense network | # % (# % to # %) | *"),
    ("which is 0.63", "03", "^threshold #: *"),
    ("calls 58.3 % of", "03", "| ConvNet | *% (*) | *% (*) | *% (*) | # % (*"),
    ("same (48.3 to 75.7 over", "03", "| ConvNet | *% (*) | *% (*) | *% (*) | *% (# % to # %)"),
    (" | 1.34 | 10.8 (3 to 23) | 1.1 (0 to 4) |", "04", "| 10 % | # | @mean | @mean |"),
    (" | 1.32 | 6.0 (1 to 16) | 2.1 (0 to 6) |", "04", "| 5 % | # | @mean | @mean |"),
    (" | 1.29 | 2.8 (0 to 12) | 3.9 (0 to 11) |", "04", "| 2 % | # | @mean | @mean |"),
    (" | 1.27 | 1.6 (0 to 8) | 6.1 (1 to 16) |", "04", "| 1 % | # | @mean | @mean |"),
    (
        "of left-out letters 8.8 % (0.0 to 24.3 over 5 folds) passed",
        "07",
        "letters, encoder omniglot\n*\n*\nthreshold *\n*\n*\n"
        "  strangers taken for one of 21 stored classes: @folds",
    ),
    (
        "33.3 % (23.0 to 44.7 over 5 folds) of the same pairs were",
        "07",
        "letters, encoder omniglot\n*\n*\nthreshold *\n*\n  same pairs called different: @folds",
    ),
    ("0.633 on the letters", "07", "letters, encoder omniglot\n*\n*\nthreshold #,"),
    (
        "of left-out emoji 3.5 % (1.2 to 6.9 over 5 folds) passed",
        "07",
        "emoji, encoder photos\n*\n*\nthreshold *\n*\n*\n"
        "  strangers taken for one of 113 stored classes: @folds",
    ),
    (
        "price of 92.0 % (88.1 to 96.4 over 5 folds)",
        "07",
        "emoji, encoder photos\n*\n*\nthreshold *\n*\n  same pairs called different: @folds",
    ),
    ("0.449 on the emoji", "07", "emoji, encoder photos\n*\n*\nthreshold #,"),
    ("when 693 people", "07", "^# people$"),
    # How much data, which encoder
    ("| 56.7 % (50.8 to 62.7) | 28.0 % (23.7 to 32.4) |", "07", "| raw pixels | @share | @share |"),
    (
        "| 88.0 % (83.8 to 92.1) | 37.7 % (32.3 to 43.3) |",
        "07",
        "^| omniglot | @share | @share |",
    ),
    (
        "| 52.0 % (44.2 to 59.9) | 49.6 % (45.0 to 54.3) |",
        "07",
        "^| photos | @share | @share |",
    ),
    (
        "adds 16.1 points (13.0 to 19.3) on the emoji",
        "07",
        "emoji, photos: whitened against centred @points",
    ),
    (
        "and 17.4 points (13.8 to 21.0) on the letters to",
        "07",
        "letters, photos: whitened against centred @points",
    ),
    (
        "2.3 points (0.3 to 4.3) on the letters to the encoder of handwriting",
        "07",
        "letters, omniglot: whitened against centred @points",
    ),
    (
        "whitening by −4.4 points (−7.4 to −1.5)",
        "07",
        "emoji, photos: head against whitened @points",
    ),
    (
        "+1.8 points (+0.1 to +3.6) on the letters ([]",
        "07",
        "letters, photos: head against whitened @points",
    ),
    ("error rate of 7.9 %, centred", "04", "| photo encoder | # % | *"),
    ("centred 4.4 %", "04", "| photo encoder, centred | # % | *"),
    ("people 2.8 %;", "04", "| photo encoder, whitened | # % | *"),
    ("has 9.6 % in the chapter", "04", "| trained recipe | # % | *"),
    ("Fisherfaces have 8.2 % (", "04", "| Fisherfaces | # % | *"),
    ("error rate of 22.3 % as a dense", "07", "| dense network | * | * | * | #% | *"),
    ("network, 7.6 % as a ConvNet", "07", "| ConvNet | * | * | * | #% | *"),
    ("and 5.8 % with all pairs", "07", "| the book's recipe | * | * | * | #% | *"),
    ("encoder has 7.9 %, though", "07", "| ready: omniglot | * | * | * | #% | *"),
    ("raw pixels have 23.9 %, and", "07", "| raw pixels | * | * | * | #% | *"),
    ("4.9 points (3.8 to 6.2 over letters", "08", f"| letters brought to one size {GAIN}"),
    ("2.4 points (1.5 to 3.3 over letters", "08", f"| a residual encoder, at its rate {GAIN}"),
    ("gain 1.0 points (0.6 to 1.4, the", "08", f"| four times as many steps {GAIN}"),
    ("errs in 1.6 % (1.5 to 1.8) of", "08", "| minimal set 1 | # (# to #) | *"),
    ("99.1 % (98.3 to 99.7, mean", "08", "| mean | * | * | @share | *"),
    ("encoder from 99.0", "08", "| as they are | #% (*) |"),
    ("to 89.2 % of the official runs", "08", "| a blot in a corner | #% (*) |"),
    ("in 1.4 % (1.2 to 1.5) with", "08", "| minimal set 2 | # (# to #) | *"),
    ("gains 0.3 points (0.2 to 0.4 over", "08", f"| nine shifts | * {GAIN}"),
    (
        "gain another 0.4 points (0.2 to 0.5) over",
        "08",
        f"| the same, three encoders together | * {GAIN}",
    ),
    ("92.5 % (89.5 to 94.7)", "time_to_92", "| ours, 200 steps | * | * | * | * | # % (# to #) | *"),
    ("after 18 s", "time_to_92", "| ours, 200 steps | # | *"),
    # How to know that it does not work
    ("0.5000, spread 0.0000 and 100 %", "02", "^rate 0.1: loss #, spread #, active #%"),
    ("0.0741, spread 0.6720 and 51 %", "02", "^rate 0.001: loss #, spread #, active #%"),
    ("from 0.72 to 0.10 within", "06", "| random | #, # |"),
    ("chance, 5.0 %", "05", "^a constant score: #% (*) of"),
    ("ROC curve is 0.52", "02", "^swapped training labels: AUC #$"),
    ("it is 0.07", "02", "^swapped measure: AUC #$"),
    ("beside 0.93", "02", "^right labels, right measure: AUC #$"),
    ("70 % to 97 %", "07", " 20 pairs, 90 % right: #% to #%"),
    ("89 % to 91 %", "07", "2,000 pairs, 90 % right: #% to #%"),
]

# What stands on the page and was not measured: settings, and names of rows and columns.
SET = [
    "95 %",
    "10,000 trials",
    *(f"| {share} % |" for share in (10, 5, 2, 1)),
    "with 5 % of strangers wanted",
    "a blot of 5 × 5 pixels",
    "accuracy of 100 %",
    "at 0.5 and",
    "temperature** of 0.05 for",
    "over 0.1 (",
    "tried 0.2 as well",
    "on 2,000",
    "one epoch of 12,000 images",
]


def test_the_page_says_what_was_measured():
    wrong = [fault(piece, pattern, PAGE, source(name)) for piece, name, pattern in CLAIMS]
    assert [each for each in wrong if each] == []


def test_every_number_of_the_page_has_a_source():
    """Shares, decimals and numbers of four figures and more; smaller counts are left."""
    covered = set()
    for piece in [*(piece for piece, _, _ in CLAIMS), *SET]:
        assert piece in PAGE, piece
        for match in re.finditer(re.escape(piece), PAGE):
            covered |= set(range(*match.span()))
    bare = [
        PAGE[max(0, match.start() - 30) : match.end() + 20]
        for match in re.finditer(rf"(?<![\w.,]){NUMBER}(?: %)?", PAGE)
        if re.search(r"[.,%]", match[0]) and match.start() not in covered
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("piece", "pattern", "page", "text"),
    [
        ("has 21.7 % of", "| a | #% |", "it has 21.8 % of all", "| a | 21.7% |"),  # another page
        ("9.8 % of", "| a | #% |", "it has 19.8 % of all", "| a | 9.8% |"),  # within a number
        ("has 21.7 % of", "| a | #% |", "it has 21.7 % of all", "| a | 21.8% |"),  # another source
        ("has 21.7 % of", "| a | #% |", "it has 21.7 % of all", "| b | 21.7% |"),  # no such line
        ("of 3 to 4", "^# to #", "of 3 to 4", "4 to 3"),  # another order
    ],
)
def test_a_changed_page_or_source_is_noticed(piece, pattern, page, text):
    assert fault(piece, pattern, page, text)


def test_a_true_claim_has_no_fault():
    page, text = "it has 21.7 % (20.1 to 22.9) of all", "| a | 21.7% (20.1% to 22.9%) |"
    assert fault("21.7 % (20.1 to 22.9) of", "| a | @share |", page, text) is None
