"""Compare the output of a notebook's cell with what is stored: what counts, and what does not.

Text must be equal. A number may differ by what another processor, or another build of a library,
does to it: a unit in its last printed digit. Embedded pictures and sounds, addresses in memory and
the sizes of encoded files don't count. `conftest.py` loads this for nbval, which runs the cells.
"""

import re

from nbval.plugin import IPyNbCell

LEFT_OUT = [(r"base64,[A-Za-z0-9+/=]+", "base64,DATA"), (r"0x[0-9a-f]{6,}", "ADDRESS")]
# A number by itself: not in a name (mono16.wav), a version (2.4.6) or a shape's product (2x).
NUMBER = re.compile(
    r"(?<![\w.])([+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)(?!\w|[.,]\d)", re.ASCII
)
MEASURED = re.compile(r"\s*(?:dB|dBFS|%|cents)(?!\w)")
SIZE = re.compile(r"\s*(?:bytes|[kM]B|[KMG]iB|kb/s)(?!\w)")
RELATIVE = 1e-4  # where digits beyond single precision are printed
RELATIVE_SIZE = 0.05


def alike(old: str, new: str) -> bool:
    """Tell whether two texts say the same.

    Parameters
    ----------
    old, new : str
        What is stored, and what was printed now.

    Returns
    -------
    bool
        True if the texts between the numbers are equal but for the width of columns, and each
        number is the same: a whole number exactly (it is a count), unless dB or % follows it.
    """
    if old == new:
        return True
    olds, news = (NUMBER.split(_reduced(text)) for text in (old, new))
    if len(olds) != len(news) or any(map(_differ, olds[::2], news[::2])):
        return False
    return all(map(_near, olds[1::2], news[1::2], olds[2::2]))


def _reduced(text: str) -> str:
    """Leave out what never counts."""
    for pattern, word in LEFT_OUT:
        text = re.sub(pattern, word, text)
    return text


def _differ(old: str, new: str) -> bool:
    """Compare words; the blanks that align a column depend on the numbers in it."""
    blanks = re.compile(r"[ \t]+")
    return blanks.sub("", old) != blanks.sub("", new)


def _near(old: str, new: str, after: str) -> bool:
    """Compare two numbers that stand before the same text."""
    a, b = (float(text.replace(",", "")) for text in (old, new))
    if SIZE.match(after):
        return abs(a - b) <= RELATIVE_SIZE * max(abs(a), abs(b))
    whole = not re.search("[.e]", old + new)
    if whole and not MEASURED.match(after):
        return a == b
    unit = min(map(_unit, (old, new)))
    return abs(a - b) <= max(1.001 * unit, 0 if whole else RELATIVE * max(abs(a), abs(b)))


def _unit(number: str) -> float:
    """Return what one unit of the last printed digit is worth."""
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


class _Output(str):
    """A text that equals every text alike."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other):
        return alike(str(self), str(other))

    def __ne__(self, other):
        return not self == other


def pytest_itemcollected(item) -> None:
    """Let nbval compare the outputs of its cells in this way."""
    if isinstance(item, IPyNbCell):
        item.sanitize = lambda output: _Output(output) if isinstance(output, str) else output
