"""The files that the command line reads and writes. What is wrong with one is a FileError."""

from __future__ import annotations

import io
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._extras import import_extra

if TYPE_CHECKING:
    from PIL import Image

_SAVE_OPTIONS: dict[str, dict[str, int]] = {"JPEG": {"quality": 95}, "WEBP": {"quality": 95}}


class FileError(Exception):
    """A file cannot be used; the message names it and says why."""


def load_array(name: str) -> npt.NDArray[Any]:
    """An array from `.npy`, `.npz` (``file.npz:key`` where it holds several) or `.csv`.

    Pickled objects are refused. A `.csv` file may start with one line of column names.
    """
    stem, separator, key = name.partition(".npz:")
    path = Path(stem + ".npz" if separator else name)
    try:
        match path.suffix.lower():
            case ".npy":
                with path.open("rb") as file:
                    array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
                return array
            case ".npz":
                return _load_npz(path, key)
            case ".csv":
                return _load_csv(path)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(f"{path}: not a readable {path.suffix} file: {error}") from error
    raise FileError(f"{name}: unknown kind of file, expected .npy, .npz, file.npz:key or .csv")


def load_points(name: str) -> npt.NDArray[Any]:
    """An array of points, one a row; a vector becomes points on a line."""
    array = load_array(name)
    return array[:, None] if array.ndim == 1 else array


def load_weights(name: str) -> npt.NDArray[Any]:
    """A vector of weights; an array of one row or one column is one too."""
    array = load_array(name)
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array


def _load_npz(path: Path, key: str) -> npt.NDArray[Any]:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is not a zip archive")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            names = archive.files
            if not key and len(names) == 1:
                key = names[0]
            if key not in names:
                wanted = f"no array {key!r}" if key else "more than one array"
                choices = ", ".join(f"{path}:{name}" for name in names) or "none: it is empty"
                raise FileError(f"{path}: {wanted}, expected one of {choices}")
            array: npt.NDArray[Any] = archive[key]
    return array


def _load_csv(path: Path) -> npt.NDArray[Any]:
    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and not all(map(_is_number, lines[0].split(","))):
        del lines[0]
    if not lines:
        raise ValueError("no numbers in it")
    return np.loadtxt(lines, delimiter=",", ndmin=2)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Picture:
    """An image of 8 bits a channel: `rgb` (height, width, 3), `alpha` (height, width) or None."""

    rgb: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8] | None

    def to_pillow(self) -> Image.Image:
        from PIL import Image

        if self.alpha is None:
            return Image.fromarray(self.rgb)
        return Image.fromarray(np.dstack([self.rgb, self.alpha]))


def read_picture(name: str) -> Picture:
    """The first frame of an image file, upright, in whatever mode it is stored.

    Grey, palette, CMYK and YCbCr images become RGB, 16-bit grey is scaled to 8 bits, transparency
    becomes an alpha channel. Colour profiles are not applied.
    """
    image_module = import_extra("PIL.Image", extra="cli", purpose="an image file")
    from PIL import ImageOps

    try:
        with image_module.open(name) as opened:
            return _decode(ImageOps.exif_transpose(opened))
    except FileNotFoundError as error:
        raise FileError(f"{name}: no such file") from error
    except image_module.UnidentifiedImageError as error:
        raise FileError(f"{name}: not an image of a known format") from error
    # Decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise FileError(f"{name}: not readable as an image: {error}") from error


def _decode(image: Image.Image) -> Picture:
    if image.mode.startswith("I;16"):
        grey = np.rint(np.asarray(image) / 257.0).astype(np.uint8)
        return Picture(np.repeat(grey[:, :, None], 3, axis=2), None)
    if image.mode in ("I", "F"):
        raise ValueError(f"32 bits a channel (mode {image.mode}), expected 8 or 16")
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return Picture(rgba[:, :, :3], rgba[:, :, 3])
    return Picture(np.asarray(image.convert("RGB")), None)


def check_picture_output(name: str, picture: Picture) -> None:
    """FileError if an image like `picture` could not be written there. Touches nothing."""
    path = Path(name)
    if path.exists() and not path.is_file():
        raise FileError(f"{name}: exists and is not a regular file")
    if path.exists() and not os.access(path, os.W_OK):
        raise FileError(f"{name}: not writable")
    if not path.parent.is_dir():
        raise FileError(f"{name}: no directory {path.parent}")
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise FileError(f"{name}: directory {path.resolve().parent} is not writable")
    try:
        picture.to_pillow().crop((0, 0, 1, 1)).save(io.BytesIO(), _picture_format(name))
    except OSError as error:
        raise FileError(f"{name}: {error}") from error


def write_picture(name: str, picture: Picture) -> None:
    """Writes an image in the format that the name's extension stands for."""
    file_format = _picture_format(name)
    try:
        with replacing(name) as file:
            picture.to_pillow().save(file, file_format, **_SAVE_OPTIONS.get(file_format, {}))
    except (OSError, ValueError) as error:
        raise FileError(f"{name}: cannot be written: {error}") from error


@contextmanager
def replacing(name: str) -> Iterator[IO[bytes]]:
    """A file that takes the place of `name` when the block ends well, and leaves no trace if not.

    Whoever looks sees the old file or the complete new one. An old file's mode is kept, and a
    symbolic link stays a link.
    """
    path = Path(os.path.realpath(name))
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    file = part.open("xb")
    try:
        with file:
            yield file
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _picture_format(name: str) -> str:
    image_module = import_extra("PIL.Image", extra="cli", purpose="an image file")
    suffix = Path(name).suffix.lower()
    file_format: str = image_module.registered_extensions().get(suffix, "")
    if file_format not in image_module.SAVE:
        raise FileError(
            f"{name}: unknown extension {suffix!r}, expected .png, .jpg, .tif, .webp, .bmp, ..."
        )
    return file_format
