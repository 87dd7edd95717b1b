import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from comparison import alike

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("level -21.2 dBFS", "level -21.3 dBFS"),
        ("error  9.99, at most", "error 10.00, at most"),
        ("  9.9\n 10.1\n", " 10.0\n 10.0\n"),
        ("-0.0 dB", "0.0 dB"),
        ("2.31e-07", "2.32e-07"),
        ("1e-03", "9.9e-04"),
        ("difference -19 dB", "difference -18 dB"),
        ("72 % kept", "73 % kept"),
        ("12.3456789", "12.3456001"),
        ("1,234.56", "1,234.57"),
        ("mono.flac 2,217,540 bytes", "mono.flac 2,217,911 bytes"),
        ("57 kb/s", "58 kb/s"),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,BB/+BB==">'),
        ("<Figure at 0x7f00aa11>", "<Figure at 0x7f99bb22>"),
        ("array([0.12, 0.5])", "array([0.13, 0.5])"),
    ],
)
def test_what_another_machine_does_is_alike(old, new):
    assert alike(old, new)
    assert alike(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("level -21.2 dBFS", "level -21.4 dBFS"),
        ("level -21.2 dBFS", "level 21.2 dBFS"),
        ("level -21.2 dBFS", "level -21.2 dB"),
        ("7 of 10 right", "8 of 10 right"),
        ("2,742,138 samples", "2,742,137 samples"),
        ("difference -19 dB", "difference -17 dB"),
        ("mono.flac 2,217,540 bytes", "mono.flac 2,617,540 bytes"),
        ("numpy 2.4.6", "numpy 2.4.7"),
        ("bach_bwv846.mp3", "bach_bwv847.mp3"),
        ("3.2e-07", "3.2e-06"),
        ("ours falls silent", "ours falls quiet"),
        ("ours: True", "ours: False"),
        ("1.5\n2.5", "1.5 2.5"),
        ("1.5 2.5", "1.5"),
        ("0.5", "nan"),
    ],
)
def test_a_wrong_number_or_word_is_not_alike(old, new):
    assert not alike(old, new)
    assert not alike(new, old)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Let a worker run nbval over a notebook whose stored outputs differ from what it does."""
    stored = {
        "print(0.31, 'of it')": "0.32 of it",
        "print(0.34, 'of it')": "0.32 of it",
        "print(0.32, 'of that')": "0.32 of it",
        "print(3, 'notes')": "4 notes",
    }
    cells = []
    for i, (source, text) in enumerate(stored.items()):
        outputs = [nbformat.v4.new_output("stream", text=f"{text}\n")]
        cells.append(nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=i + 1))
    folder = tmp_path_factory.mktemp("notebook")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "small.ipynb")
    command = [sys.executable, "-m", "pytest", "-n", "1", "-rA", "--rootdir", folder]
    command += ["-p", "conftest", "-c", PROJECT / "pyproject.toml", "-o", "addopts="]
    command += ["--nbval", "--nbval-current-env", "--color=no", "-p", "no:cacheprovider"]
    command += [folder / "small.ipynb"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def test_nbval_lets_a_last_digit_pass_and_no_wrong_number_or_word(run):
    verdicts = re.findall(r"^(PASSED|FAILED) .*Cell (\d)", run, re.MULTILINE)
    assert sorted(cell + verdict[0] for verdict, cell in verdicts) == ["0P", "1F", "2F", "3F"]
