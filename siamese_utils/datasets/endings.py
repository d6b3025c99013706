"""Which files are images: the one list of endings, for a single file and for a folder."""

from pathlib import Path

from PIL import Image

# What Pillow lists but cannot show: data whose decoder is elsewhere, drawings that other
# programs must render, films, and news wires.
_NO_STILL_IMAGES = {"BUFR", "GRIB", "HDF5", "EPS", "WMF", "FLI", "MPEG", "IPTC"}

_HEIF = "convert it to PNG or install pillow-heif and call pillow_heif.register_heif_opener()"
_DRAWING = "it is no grid of pixels: export it as PNG"
_RAW = "develop it to PNG or JPEG"
# Images that this Pillow may have no decoder for.
_REMEDIES = {
    **dict.fromkeys((".heic", ".heif", ".hif"), _HEIF),
    **dict.fromkeys((".avif", ".avifs"), "convert it to PNG or install Pillow 11.3 or newer"),
    ".jxl": "convert it to PNG or install pillow-jxl-plugin and import pillow_jxl",
    ".webp": "convert it to PNG or install a Pillow that was built with WebP",
    **dict.fromkeys((".svg", ".svgz", ".eps", ".ps", ".ai", ".pdf", ".wmf", ".emf"), _DRAWING),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"), _RAW),
    ".raw": _RAW,
}


def image_endings() -> tuple[str, ...]:
    """The endings of the still images that Pillow can open here, sorted: ".bmp" and so on."""
    known = Image.registered_extensions().items()
    return tuple(
        sorted(
            ending for ending, kind in known if kind in Image.OPEN and kind not in _NO_STILL_IMAGES
        )
    )


def why_no_image(path: Path) -> str | None:
    """Why a file cannot be read as an image, judged by its ending; None if it can be."""
    ending = path.suffix.lower()
    if ending in image_endings():
        return None
    if ending in _REMEDIES:
        return f"no decoder for {ending}; {_REMEDIES[ending]}"
    return "not the ending of an image"
