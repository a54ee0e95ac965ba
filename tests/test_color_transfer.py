"""``otcore color-transfer``: the picture, the summary, what it says of bad input; palettes."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import otcore
from command import only_error, run
from otcore import color_transfer

SMALL = ["--colors", "40", "-k", "4", "-m", "5", "--iterations", "30"]


def noise(seed: int, low: int = 0, high: int = 256, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (18, 24, channels), dtype=np.uint8)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """A dark and a light photograph, of different sizes."""
    source, target = tmp_path / "source.png", tmp_path / "target.png"
    Image.fromarray(noise(1, high=120)).save(source)
    Image.fromarray(noise(2, low=150)[:, :20]).save(target)
    return source, target


@pytest.mark.parametrize("method", ["bomb", "m", "exact"])
def test_color_transfer(photos, tmp_path, capsys, method):
    out = tmp_path / "out.png"
    assert run("color-transfer", *photos, "-o", out, "--method", method, *SMALL) == 0
    result = pixels(out)
    assert result.shape == (18, 24, 3)
    assert result.mean() > 140  # the source is dark, the target light
    captured = capsys.readouterr()
    summary = dict(line.split(maxsplit=1) for line in captured.out.splitlines())
    assert color_transfer.METHODS[method] in summary["method"]
    assert summary["palettes"].startswith("40 and 40 colours")
    assert summary["machine"].endswith(otcore.info()["isa"])
    assert summary["written"] == f"{out} (24 x 18)"
    before, _, after = summary["distance"].split()[:3]
    assert float(after) < 0.5 * float(before)
    if method == "exact":
        assert float(after) < 1e-6
        assert "filled" not in summary
    else:
        assert "k = 4, m = 5" in summary["method"]
        assert "30 iterations" in summary["map"]
        assert summary["map"].endswith("iterations/s")
    assert captured.err == ""  # no bar where standard error is no terminal


def test_color_transfer_shows_a_bar_on_a_terminal(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run("color-transfer", *photos, "-o", tmp_path / "out.png", *SMALL) == 0
    assert "30/30" in capsys.readouterr().err


def test_a_seed_gives_the_same_picture(photos, tmp_path):
    def picture(seed: int, threads: int) -> bytes:
        out = tmp_path / "out.png"
        options = ["--seed", seed, "--threads", threads, *SMALL]
        assert run("color-transfer", *photos, "-o", out, *options) == 0
        return out.read_bytes()

    first = picture(7, 1)
    assert picture(7, 1) == first
    assert picture(7, 3) == first
    assert picture(8, 1) != first


def test_exact_transfer_to_itself_changes_nothing(photos, tmp_path):
    out = tmp_path / "out.png"
    source, _ = photos
    assert run("color-transfer", source, source, "-o", out, "--method", "exact", *SMALL) == 0
    np.testing.assert_array_equal(pixels(out), pixels(source))


def test_output_may_be_the_source(photos):
    source, target = photos
    assert run("color-transfer", source, target, "-o", source, *SMALL) == 0
    assert pixels(source).mean() > 140


def test_palettes_of_different_sizes(photos, tmp_path):
    source, _ = photos
    target = tmp_path / "target.png"
    stripes = np.zeros((4, 6, 3), dtype=np.uint8)
    stripes[:, 3:] = [250, 20, 10]
    Image.fromarray(stripes).save(target)
    out = tmp_path / "out.png"
    for method in ("exact", "bomb"):
        options = ["--method", method, "--colors", "40", "-m", "2", "--iterations", "200"]
        assert run("color-transfer", source, target, "-o", out, *options) == 0
        assert pixels(out)[..., 0].mean() > 1.5 * pixels(out)[..., 1].mean()


def grey16(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("grey.png", Image.fromarray(noise(3)[..., 0])),
        ("grey16.png", grey16(noise(3)[..., 0])),
        ("bits.png", Image.fromarray(noise(3)[..., 0]).convert("1")),
        ("palette.png", Image.fromarray(noise(3)).convert("P")),
        ("cmyk.jpg", Image.fromarray(noise(3)).convert("CMYK")),
        ("photo.jpg", Image.fromarray(noise(3))),
        ("photo.webp", Image.fromarray(noise(3))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_image_becomes_rgb(photos, tmp_path, name, image):
    path, out = tmp_path / name, tmp_path / "out.png"
    image.save(path)
    assert run("color-transfer", path, photos[1], "-o", out, "--method", "exact", *SMALL) == 0
    result = pixels(out)
    assert result.shape == (18, 24, 3)
    assert result.mean() > 140


def test_sixteen_bits_are_scaled_not_clipped(photos, tmp_path):
    path, out = tmp_path / "grey16.png", tmp_path / "out.png"
    values = noise(3)[..., 0]
    grey16(values).save(path)
    assert run("color-transfer", path, path, "-o", out, "--method", "exact", *SMALL) == 0
    np.testing.assert_array_equal(pixels(out), np.repeat(values[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept(photos, tmp_path, mode):
    path, out = tmp_path / "alpha.png", tmp_path / "out.png"
    image = Image.fromarray(noise(3, channels=4)).convert(mode)
    image.save(path)
    assert run("color-transfer", path, photos[1], "-o", out, *SMALL) == 0
    assert pixels(out).shape == (18, 24, 4)
    np.testing.assert_array_equal(pixels(out)[..., 3], np.asarray(image)[..., -1])


def test_camera_orientation_is_applied(photos, tmp_path):
    path, out = tmp_path / "turned.jpg", tmp_path / "out.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to display
    Image.fromarray(noise(3)).save(path, exif=exif)
    assert run("color-transfer", path, photos[1], "-o", out, *SMALL) == 0
    assert pixels(out).shape == (24, 18, 3)


@pytest.mark.parametrize("name", ["missing.png", "text.png", "cut.png", "folder.png", "float.tif"])
@pytest.mark.parametrize("place", [0, 1])
def test_unreadable_images(photos, tmp_path, capsys, name, place):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(photos[0].read_bytes()[:400])
    (tmp_path / "folder.png").mkdir()
    Image.fromarray(noise(3)[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    images = list(photos)
    images[place] = tmp_path / name
    out = tmp_path / "out.png"
    assert run("color-transfer", *images, "-o", out) == 2
    assert name in only_error(capsys)
    assert not out.exists()


@pytest.mark.parametrize("name", ["out", "out.pngx", "out.svg", "none/out.png", "folder.png", "."])
def test_outputs_that_cannot_be_written(photos, tmp_path, capsys, name):
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert run("color-transfer", *photos, "-o", tmp_path / name) == 2
    assert str(tmp_path / name) in only_error(capsys)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_format_without_transparency(photos, tmp_path, capsys):
    path = tmp_path / "alpha.png"
    Image.fromarray(noise(3, channels=4)).save(path)
    assert run("color-transfer", path, photos[1], "-o", tmp_path / "out.jpg") == 2
    assert "RGBA" in only_error(capsys)


@pytest.mark.parametrize(
    "options",
    [
        ["-k", "0"],
        ["-m", "-3"],
        ["-m", "many"],
        ["-m", "41"],
        ["--iterations", "0"],
        ["--colors", "0"],
        ["--seed", "-1"],
        ["--threads", "0"],
        ["--method", "magic"],
        ["--unknown"],
    ],
    ids=" ".join,
)
def test_unfit_options(photos, tmp_path, capsys, options):
    out = tmp_path / "out.png"
    out.write_text("old")
    assert run("color-transfer", *photos, "-o", out, "--colors", "40", *options) == 2
    assert options[-1].lstrip("-") in only_error(capsys)
    assert out.read_text() == "old"


@pytest.mark.parametrize(
    ("failure", "status"), [(OSError(28, "No space left on device"), 2), (KeyboardInterrupt(), 130)]
)
def test_output_is_complete_or_untouched(photos, tmp_path, capsys, monkeypatch, failure, status):
    out = tmp_path / "out.png"
    out.write_text("old")
    before = sorted(tmp_path.iterdir())
    save = Image.Image.save

    def fail_half_way(self, file, *arguments, **options):
        save(self, file, *arguments, **options)
        if self.size != (1, 1):  # the trial of the format
            file.truncate(100)
            raise failure

    monkeypatch.setattr(Image.Image, "save", fail_half_way)
    assert run("color-transfer", *photos, "-o", out, *SMALL) == status
    assert only_error(capsys)
    assert out.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


def test_ctrl_c_while_solving(photos, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise otcore.SolveInterrupted(None)

    monkeypatch.setattr(color_transfer, "map_palette", interrupted)
    assert run("color-transfer", *photos, "-o", tmp_path / "out.png") == 130
    assert only_error(capsys) == "otcore color-transfer: interrupted"
    assert not (tmp_path / "out.png").exists()


def test_ctrl_c_from_outside(photos, tmp_path):
    """A real signal, sent once the command runs, stops the loop of mini-batches."""
    code = (
        "import sys; from otcore.cli import main; print('ready', flush=True); "
        "sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "out.png"
    options = ["-o", str(out), "--colors", "40", "--iterations", str(10**9)]
    with subprocess.Popen(
        [sys.executable, "-c", code, "color-transfer", *map(str, photos), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "otcore color-transfer: interrupted\n")
    assert sorted(tmp_path.iterdir()) == sorted(photos)


def test_mode_and_links_of_an_old_output_stay(photos, tmp_path):
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    real.write_text("old")
    real.chmod(0o604)
    link.symlink_to(real)
    assert run("color-transfer", *photos, "-o", link, *SMALL) == 0
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o604
    assert pixels(real).shape == (18, 24, 3)


def test_a_new_output_obeys_the_umask(photos, tmp_path):
    out = tmp_path / "out.png"
    old = os.umask(0o027)
    try:
        assert run("color-transfer", *photos, "-o", out, *SMALL) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(out.stat().st_mode) == 0o640


# --- palettes


def test_palette_of_few_colours_is_those_colours():
    image = np.zeros((5, 4, 3), dtype=np.uint8)
    image[2:] = [255, 128, 1]
    palette = color_transfer.fit_palette(image, 3)
    np.testing.assert_array_equal(palette.colors, [[0, 0, 0], [255, 128, 1]])
    np.testing.assert_array_equal(palette.colors[palette.labels], image)


def test_palette_is_a_k_means_clustering():
    image = noise(5)
    palette = color_transfer.fit_palette(image, 12, seed=3)
    distance = ((image[..., None, :] - palette.colors) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(palette.labels, distance.argmin(axis=-1))
    within = np.take_along_axis(distance, palette.labels[..., None], axis=-1).mean()
    assert within < 0.35 * image.reshape(-1, 3).var(axis=0).sum()


@pytest.mark.parametrize(
    ("image", "n_colors", "message"),
    [
        (np.zeros((4, 4)), 2, "image: float64 array of shape"),
        (np.zeros((4, 4, 4), dtype=np.uint8), 2, r"image: uint8 array of shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), dtype=np.uint8), 2, r"image: uint8 array of shape \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), dtype=np.uint8), 0, "n_colors: 0"),
    ],
)
def test_unfit_palette_arguments(image, n_colors, message):
    with pytest.raises(ValueError, match=message):
        color_transfer.fit_palette(image, n_colors)


def test_unfit_map_and_recolour_arguments():
    with pytest.raises(ValueError, match=r"method: 'magic', expected one of 'bomb', 'm', 'exact'"):
        color_transfer.map_palette(np.zeros((2, 3)), np.zeros((2, 3)), method="magic")
    palette = color_transfer.fit_palette(noise(5), 12)
    with pytest.raises(ValueError, match=r"colors: shape \(11, 3\), expected \(12, 3\)"):
        color_transfer.recolor(noise(5), palette, palette.colors[1:])
    with pytest.raises(ValueError, match=r"palette: labels of shape \(18, 24\), expected \(17, 24"):
        color_transfer.recolor(noise(5)[1:], palette, palette.colors)
