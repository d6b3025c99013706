"""What Omniglot consists of: its alphabets, its files and the digests of their content."""

from .sources import Source

IMAGE_SIZE = 105
N_DRAWERS = 20

# Characters of each alphabet, in the order of the arrays.
BACKGROUND_ALPHABETS = {
    "Alphabet_of_the_Magi": 20,
    "Anglo-Saxon_Futhorc": 29,
    "Arcadian": 26,
    "Armenian": 41,
    "Asomtavruli_(Georgian)": 40,
    "Balinese": 24,
    "Bengali": 46,
    "Blackfoot_(Canadian_Aboriginal_Syllabics)": 14,
    "Braille": 26,
    "Burmese_(Myanmar)": 34,
    "Cyrillic": 33,
    "Early_Aramaic": 22,
    "Futurama": 26,
    "Grantha": 43,
    "Greek": 24,
    "Gujarati": 48,
    "Hebrew": 22,
    "Inuktitut_(Canadian_Aboriginal_Syllabics)": 16,
    "Japanese_(hiragana)": 52,
    "Japanese_(katakana)": 47,
    "Korean": 40,
    "Latin": 26,
    "Malay_(Jawi_-_Arabic)": 40,
    "Mkhedruli_(Georgian)": 41,
    "N_Ko": 33,
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": 14,
    "Sanskrit": 42,
    "Syriac_(Estrangelo)": 23,
    "Tagalog": 17,
    "Tifinagh": 55,
}
EVALUATION_ALPHABETS = {
    "Angelic": 20,
    "Atemayar_Qelisayer": 26,
    "Atlantean": 26,
    "Aurek-Besh": 26,
    "Avesta": 26,
    "Ge_ez": 26,
    "Glagolitic": 45,
    "Gurmukhi": 45,
    "Kannada": 41,
    "Keble": 26,
    "Malayalam": 47,
    "Manipuri": 40,
    "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45,
    "Oriya": 46,
    "Sylheti": 28,
    "Syriac_(Serto)": 23,
    "Tengwar": 25,
    "Tibetan": 42,
    "ULOG": 26,
}
# The ten alphabets of the official one-shot runs, two runs each, in run order.
RUN_ALPHABETS = (
    "Atlantean",
    "Ge_ez",
    "Glagolitic",
    "Gurmukhi",
    "Kannada",
    "Malayalam",
    "Manipuri",
    "Old_Church_Slavonic_(Cyrillic)",
    "Tengwar",
    "Tibetan",
)
SMALL1_ALPHABETS = ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin")
SMALL2_ALPHABETS = ("Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog")

SUBSETS = {
    "background": BACKGROUND_ALPHABETS,
    "evaluation": EVALUATION_ALPHABETS,
    "small1": {name: BACKGROUND_ALPHABETS[name] for name in SMALL1_ALPHABETS},
    "small2": {name: BACKGROUND_ALPHABETS[name] for name in SMALL2_ALPHABETS},
}
_URL = "https://github.com/brendenlake/omniglot/raw/master/python/"
SOURCES = {
    "background": Source(
        "omniglot/images_background.zip",
        "md5:68d2efa1b9178cc56df9314c21c6e718",
        (_URL + "images_background.zip",),
    ),
    "evaluation": Source(
        "omniglot/images_evaluation.zip",
        "md5:6b91aef0f799c5bb55b94e3f2daec811",
        (_URL + "images_evaluation.zip",),
    ),
    "small1": Source(
        "omniglot/images_background_small1.zip",
        "sha256:f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
        (_URL + "images_background_small1.zip",),
    ),
    "small2": Source(
        "omniglot/images_background_small2.zip",
        "sha256:3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
        (_URL + "images_background_small2.zip",),
    ),
    "runs": Source(
        "omniglot/all_runs.zip",
        "sha256:437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
        (_URL + "one-shot-classification/all_runs.zip",),
    ),
}
# Of the decoded images (and, for the runs, answers): see _files.digest.
CONTENT = {
    "background": "605e39fa8f1c47d27b76e4b599a2564050bb29b97147843960eb35e7b2b95491",
    "evaluation": "cf846117469b7a8cac81e8dfa7e9df3026b4436143e3595add6d2031ef52c17a",
    "small1": "df4e5d3cf46376847a2b657a1fa3312461f20cbf880f28d2c29855734c4f57d4",
    "small2": "72d9b20cdebfc25b976ea110974c4976617468c4153dc982404d8237aef81888",
    "runs": "a91b9b271ca9db5bbabd430241f8b584c7626e5a2d36a2a09c0435a22556ec7b",
}
