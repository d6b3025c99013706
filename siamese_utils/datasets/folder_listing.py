"""What stands in a folder of classes: the images of each class, and what is left out, and why."""

from pathlib import Path

from .endings import why_no_image
from .sources import DataError

# Folders that systems and programs put among a user's own.
_MACHINE_MADE = {
    *("__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN"),
    *("System Volume Information", "lost+found"),
}


def list_folder(root: Path) -> tuple[dict[str, list[Path]], list[tuple[Path, str]]]:
    """The image files of each class, by name, and what is neither, with the reason.

    Raises
    ------
    DataError
        If there is no such folder, or it has fewer than two classes.
    """
    if not root.is_dir():
        raise DataError(
            f"{root} is not a folder. Expected a folder with one subfolder for each class. "
            "Correct the path."
        )
    classes: dict[str, list[Path]] = {}
    skipped = []
    for entry in sorted(root.iterdir()):
        reason = _not_of_the_user(entry)
        if reason or not entry.is_dir():
            skipped.append((entry, reason or "not in a class folder"))
        else:
            classes[entry.name] = []
    if len(classes) < 2:
        left_out = "".join(f" {path.name}: {reason}." for path, reason in skipped[:5])
        raise DataError(
            f"{root} has {len(classes)} class folder(s), expected at least 2. "
            "Give each class a subfolder of its "
            f"own, as in {root / 'cat' / '1.png'} and {root / 'dog' / '1.png'}."
            + (f" Skipped:{left_out}" if skipped else "")
        )
    for name, files in classes.items():
        for entry in sorted((root / name).iterdir()):
            reason = _not_of_the_user(entry)
            if not reason:
                reason = "folder inside a class" if entry.is_dir() else why_no_image(entry)
            if reason:
                skipped.append((entry, reason))
            else:
                files.append(entry)
    return classes, skipped


def _not_of_the_user(entry: Path) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_dir() and entry.name in _MACHINE_MADE:
        return "made by the system, not a class"
    return None


def require_images(
    root: Path,
    counts: dict[str, int],
    min_images: int,
    skipped: list[tuple[Path, str]],
) -> None:
    """``DataError`` that names every class with fewer readable images than ``min_images``.

    Parameters
    ----------
    root : Path
    counts : dict of int
        Readable images of each class.
    min_images : int
    skipped : list of (Path, reason)
    """
    lines = []
    for name, n in counts.items():
        if n < min_images:
            reasons = [f"{path.name}: {why}" for path, why in skipped if path.parent == root / name]
            more = f", {len(reasons)} skipped ({'; '.join(reasons[:3])})" if reasons else ""
            lines.append(f"class folder {root / name} has {n} readable image(s){more}")
    if lines:
        raise DataError(
            f"{'; '.join(lines)}. Expected at least {min_images} in each class. Add images; or "
            f"take the folder out of {root}, or begin its name with a dot to have it skipped; "
            "or, where you call load_image_folder yourself, lower min_images."
        )
