"""The arguments of the command ``siamese``, and its help."""

import argparse
from importlib.metadata import version

from ._command_checks import folds, ready_names, share, similarity

PACKAGE = "siamese-book"
EXAMPLES = {
    "train": "siamese train pictures/ model.keras --strangers 0.05",
    "enroll": "siamese enroll model.keras gallery.npz cup cup1.jpg cup2.jpg",
    "classes": "siamese classes gallery.npz",
    "remove": "siamese remove model.keras gallery.npz cup",
    "classify": "siamese classify model.keras gallery.npz new.jpg",
    "compare": "siamese compare model.keras a.jpg b.jpg",
    "evaluate": "siamese evaluate photos pictures/",
    "threshold": "siamese threshold model.keras pictures/ --strangers 0.01",
    "export": "siamese export model.keras model.onnx",
}
FOLDER = "a folder that has one subfolder for each class, with its images"


def parser() -> argparse.ArgumentParser:
    """The parser; what it parses has ``command``, the name of a function of _command_tasks."""
    found = argparse.ArgumentParser(
        prog="siamese",
        description="Recognize classes of images from one example each.",
        epilog="Exit status: 0 for an answer, whichever it is; 2 for an error, named on stderr.",
    )
    found.add_argument("--version", action="version", version=f"%(prog)s {version(PACKAGE)}")
    commands = found.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, summary: str, description: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=f"Example: {EXAMPLES[name]}",
        )
        command.set_defaults(command=name)
        command.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )
        return command

    def add_model(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "model",
            metavar="MODEL",
            help="a .keras file that train wrote, or the name of a ready encoder: photos, or "
            "omniglot for drawings",
        )

    def add_skip(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--skip-broken",
            action="store_true",
            help="leave out images that cannot be read, with a warning (default: an error)",
        )

    def add_choice(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--strangers",
            metavar="SHARE",
            type=share,
            help="how many images of unknown classes may get a label, 0.05 for 5 %%, in a gallery "
            "with as many classes as FOLDER; smaller is stricter, and more images of known classes "
            "become unknown (default: two images of one class are called different as often as two "
            "of different classes are called the same; with many classes that lets most unknown "
            "ones in)",
        )
        command.add_argument(
            "--folds",
            metavar="N",
            type=folds,
            default=5,
            help="into how many groups the classes are divided; each is left out once (default: 5)",
        )
        add_skip(command)

    train = add(
        "train",
        "fit a ready encoder to a folder of images, and choose its threshold",
        "Fit a ready encoder to the images of FOLDER, choose the threshold, and write both as "
        "MODEL. Nothing is trained: the fit is a shift and a matrix that the encoder's output is "
        "multiplied by. How good it is, is measured on classes that are left out in turn. Other "
        "classes than those of FOLDER are enrolled later, from one image each.",
    )
    train.add_argument("folder", metavar="FOLDER", help=FOLDER)
    train.add_argument("out", metavar="MODEL", help="the .keras file to write")
    train.add_argument(
        "--encoder",
        choices=ready_names(),
        help="the ready encoder (default: omniglot for dark drawings on evenly white paper or the "
        "reverse, photos for all else)",
    )
    add_choice(train)

    enroll = add(
        "enroll",
        "store images of a class in a gallery",
        "Store images as examples of the class LABEL. GALLERY is made if there is none. It "
        "gets the model's threshold, also where it had another one. Images that are stored already "
        "stay. A folder of many classes need not be enrolled: give it to classify as the gallery.",
    )
    add_model(enroll)
    enroll.add_argument("gallery", metavar="GALLERY", help="a .npz file")
    enroll.add_argument("label", metavar="LABEL", help="the name of the class")
    enroll.add_argument(
        "images", metavar="IMAGE", nargs="+", help="an image file, or a folder of images of LABEL"
    )
    enroll.add_argument(
        "--average", action="store_true", help="store the mean of these images only"
    )
    add_skip(enroll)

    classes = add(
        "classes",
        "which classes does a gallery hold?",
        "Print each class of a gallery file and how many embeddings of it are stored, separated by "
        "a tab, and at last the threshold.",
    )
    classes.add_argument("gallery", metavar="GALLERY", help="a .npz file that enroll wrote")

    remove = add(
        "remove",
        "take a class out of a gallery",
        "Take all images of the class LABEL out of GALLERY, which MODEL made. To store other "
        "images of a class instead, remove it and enroll them. The only class of a gallery cannot "
        "be removed: delete the file.",
    )
    add_model(remove)
    remove.add_argument("gallery", metavar="GALLERY", help="a .npz file that enroll wrote")
    remove.add_argument("label", metavar="LABEL", help="the name of the class")

    classify = add(
        "classify",
        "which class of a gallery does each image show?",
        "Print for each image its path, the label of the most similar image of the gallery, or "
        "unknown, and their cosine similarity, separated by tabs. With --json, each of the results "
        "has image, label, score and nearest, the label of the most similar image, known or not; "
        "skipped has the files that were left out, and why.",
    )
    add_model(classify)
    classify.add_argument(
        "gallery",
        metavar="GALLERY",
        help="a .npz file that enroll wrote with the same model, or " + FOLDER,
    )
    classify.add_argument(
        "images", metavar="IMAGE", nargs="+", help="an image file, or a folder of images"
    )
    classify.add_argument(
        "--threshold",
        metavar="T",
        type=similarity,
        help="give an image a label only if its similarity is above T (default: the threshold that "
        "was stored in the gallery file; the model's for a folder, or a file without one; with "
        "neither, every image gets a label)",
    )
    classify.add_argument(
        "--average",
        action="store_true",
        help="if GALLERY is a folder: compare with the mean of each class",
    )
    add_skip(classify)

    compare = add(
        "compare",
        "do two image files show the same class?",
        "Print the cosine similarity of two image files, in [-1, 1], the threshold, and the "
        "verdict: same where the score is above the threshold. A model without a threshold gives "
        "no verdict.",
    )
    add_model(compare)
    compare.add_argument("left", metavar="A", help="an image file of any size and mode")
    compare.add_argument("right", metavar="B", help="another one")
    compare.add_argument(
        "--threshold", metavar="T", type=similarity, help="in [-1, 1] (default: the model's)"
    )

    evaluate = add(
        "evaluate",
        "how good is a model on classes that it has not seen?",
        "Print how often the model's threshold errs on pairs of all these images. Then leave out "
        "some of the classes of FOLDER in turn, and print how often an image of a class that was "
        "left out is recognized from one example, and how often a threshold errs that is chosen "
        "anew on the others, by the rule that the model's was chosen by. Nothing is written.",
    )
    add_model(evaluate)
    evaluate.add_argument("folder", metavar="FOLDER", help=FOLDER)
    add_choice(evaluate)

    threshold = add(
        "threshold",
        "choose the threshold of a model on a folder of images",
        "Choose the threshold by cross-validation over the classes of FOLDER, and write it into "
        "MODEL with the errors to expect on new classes. A gallery file keeps its threshold until "
        "the next enroll.",
    )
    add_model(threshold)
    threshold.add_argument("folder", metavar="FOLDER", help=FOLDER)
    threshold.add_argument("--out", metavar="FILE", help="write another .keras file instead")
    add_choice(threshold)

    export = add(
        "export",
        "write the encoder as an ONNX file",
        "Write the encoder of MODEL as an ONNX file, with embeddings of length 1, and compare it "
        "with Keras. The file's metadata says how images are read for it, and the threshold.",
    )
    add_model(export)
    export.add_argument("out", metavar="FILE", help="the .onnx file to write")
    return found
