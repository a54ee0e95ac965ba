"""The ``otcore`` command, run in this process."""

import pytest

from otcore import cli


def run(*arguments: object) -> int:
    """Exit status of the command, run in this process."""
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code)


def only_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error; nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("otcore")
    return lines[0]
