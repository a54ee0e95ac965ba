"""The ``otcore`` command: distance, info, and how it runs as a program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import otcore
from command import only_error, run

# --- distance


@pytest.fixture
def clouds(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Two point clouds; a.npy, b.npy, a.csv (with column names), both.npz hold them."""
    rng = np.random.default_rng(11)
    a, b = rng.random((7, 3)), rng.random((5, 3)) + 1.0
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    np.savetxt(tmp_path / "a.csv", a, delimiter=",", header="x,y,z", comments="")
    np.savez(tmp_path / "both.npz", first=a, second=b)
    np.savez(tmp_path / "one.npz", b)
    return a, b


def json_distance(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert run("distance", *arguments, "--json") == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("first", ["a.npy", "a.csv", "both.npz:first"])
@pytest.mark.parametrize("second", ["b.npy", "both.npz:second", "one.npz"])
def test_distance_of_files(clouds, tmp_path, capsys, first, second):
    expected = otcore.solve_sample(*clouds)
    answer = json_distance(capsys, tmp_path / first, tmp_path / second)
    assert answer == {
        "value": expected.value,
        "distance": expected.distance,
        "gap": expected.gap,
        "status": "optimal",
    }


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)])
def test_distance_metrics(clouds, tmp_path, capsys, metric):
    options = ["--metric", metric]
    if isinstance(metric, tuple):
        options = ["--metric", metric[0], "--p", metric[1]]
    answer = json_distance(capsys, tmp_path / "a.npy", tmp_path / "b.npy", *options)
    expected = otcore.solve_sample(*clouds, metric=metric)
    assert answer["value"] == expected.value
    assert answer["distance"] == getattr(expected, "distance", None)
    assert (answer["distance"] is None) == (metric == "cosine")


def test_distance_weights_and_text(clouds, tmp_path, capsys):
    a, b = clouds
    weights_a, weights_b = np.arange(1.0, 8.0) / 28.0, np.arange(1.0, 6.0) / 15.0
    np.savetxt(tmp_path / "wa.csv", weights_a)
    np.save(tmp_path / "wb.npy", weights_b)
    options = ["--weights-a", tmp_path / "wa.csv", "--weights-b", tmp_path / "wb.npy"]
    assert run("distance", tmp_path / "a.npy", tmp_path / "b.npy", *options) == 0
    rows = dict(line.split() for line in capsys.readouterr().out.splitlines())
    expected = otcore.solve_sample(a, b, weights_a, weights_b)
    assert float(rows["value"]) == pytest.approx(expected.value, rel=1e-15)
    assert rows["status"] == "optimal"
    assert set(rows) == {"value", "distance", "gap", "status"}


def test_vectors_are_points_on_a_line(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.array([0, 1, 2]))
    (tmp_path / "b.csv").write_text("# shifted by three\n3\n\n4\n5\n")
    assert json_distance(capsys, tmp_path / "a.npy", tmp_path / "b.csv")["value"] == 9.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.npy", "b.npy"], "none.npy: No such file"),
        (["a.txt", "b.npy"], "a.txt: unknown kind of file"),
        (["objects.npy", "b.npy"], "objects.npy: not a readable .npy file"),
        (["objects.npz", "b.npy"], "objects.npz: not a readable .npz file"),
        (["text.npy", "b.npy"], "text.npy: not a readable .npy file"),
        (["text.npz", "b.npy"], "text.npz: not a readable .npz file"),
        (["empty.csv", "b.npy"], "empty.csv: not a readable .csv file"),
        (["words.csv", "b.npy"], "words.csv: not a readable .csv file"),
        (["ragged.csv", "b.npy"], "ragged.csv: not a readable .csv file"),
        (["both.npz", "b.npy"], "both.npz:first"),
        (["both.npz:third", "b.npy"], "no array 'third'"),
        (["nan.npy", "b.npy"], "X"),
        (["plane.npy", "b.npy"], "Y"),
        (["cube.npy", "b.npy"], "X"),
        (["strings.npy", "b.npy"], "X"),
        (["a.npy", "b.npy", "--weights-a", "b.npy"], "a"),
        (["a.npy", "b.npy", "--metric", "taxi"], "taxi"),
        (["a.npy", "b.npy", "--p", "2"], "--p"),
        (["a.npy", "b.npy", "--metric", "minkowski"], "--p"),
        (["a.npy", "b.npy", "--metric", "minkowski", "--p", "0.5"], "0.5"),
        (["a.npy", "b.npy", "--method", "guess"], "guess"),
        (["a.npy"], "B"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_unfit_distance_arguments(clouds, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    objects = np.array([{"any": "thing"}], dtype=object)
    np.save("objects.npy", objects)
    np.savez("objects.npz", objects)
    np.save("nan.npy", np.full((2, 3), np.nan))
    np.save("plane.npy", np.zeros((2, 2)))
    np.save("cube.npy", np.zeros((2, 2, 2)))
    np.save("strings.npy", np.array([["a", "b", "c"]]))
    for name, text in {
        "text.npy": "1,2,3",
        "text.npz": "1,2,3",
        "empty.csv": "x,y,z\n",
        "words.csv": "1,2,3\n1,two,3\n",
        "ragged.csv": "1,2,3\n1,2\n",
        "a.txt": "1,2,3",
    }.items():
        Path(name).write_text(text)
    assert run("distance", *arguments) == 2
    assert message in only_error(capsys)


# --- the command as a program


def program(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otcore", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def test_info_as_a_program():
    done = program("info")
    assert (done.returncode, done.stderr) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["version"] == otcore.__version__
    assert rows["threads"].isdigit()
    isa = next(line for line in done.stdout.splitlines() if line.startswith("isa supported"))
    assert rows["cuda"] == "False"
    assert all(level in isa for level in otcore.info()["isa_supported"])


def test_version_and_help(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"otcore {otcore.__version__}\n"
    assert run("color-transfer", "--help") == 0
    assert "default: 5000" in capsys.readouterr().out
    assert run() == 2
    assert "COMMAND" in only_error(capsys)


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "otcore", "info"],
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_extras_are_asked_for_only_where_used(tmp_path, clouds):
    """Distances need numpy alone; images say what is missing."""
    hidden = ("PIL", "sklearn", "tqdm", "scipy", "torch", "matplotlib")
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({hidden}))\n"
        "from otcore.cli import main\n"
        "assert main(['distance', 'a.npy', 'b.npy']) == 0\n"
        "sys.exit(main(['color-transfer', 'a.png', 'b.png', '-o', 'c.png']))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "otcore[cli]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
