"""The glossary defines each term of the notebooks once, and leads to where it is explained."""

import re
import unicodedata
from pathlib import Path

import nbformat
import pytest

PROJECT = Path(__file__).parent.parent
NOTEBOOKS = {
    path.name[:2]: nbformat.read(path, 4)
    for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
}
GLOSSARY = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.search(r"```\{glossary\}\n(.*)\n```\n", GLOSSARY, re.DOTALL)[1].split("\n\n")
LINK = re.compile(r"\[(\d\d)(?:, section (\d+))?\]\(\.\./notebooks/((\d\d)_\w+\.ipynb)\)")
NOT_TERMS = {  # what notebooks print in bold for other reasons; so is all that ends as a sentence
    *("A singer would object", "Another's instruments", "Blind", "Decided beforehand", "Drums"),
    *(
        "Done wrongly",
        "Key clarity",
        "Keep it",
        "Level",
        "ours again",
        "Notes",
        "Nothing is learnt from them",
    ),
    *("One complex number a bin", "Onset rate and rests", "Rhythm and dissonance", "Said wrongly"),
    *("The loss", "The short path", "The whole course", "Turn your volume down", "Tuning"),
    *("Words on the short path", "You need", "You will be able to", "backwards", "carry on"),
    *("ceiling", "choose", "copying", "choose files", "find", "folder", "ghost", "greater than"),
    *("held", "how boldly", "is not a staircase", "key", "learn", "length", "likelier state"),
    *(
        "loud",
        "mean",
        "note",
        "notes",
        "off",
        "once",
        "one ear for all",
        "only intuition judges the music",
    ),
    *("original", "ours", "pairs", "pedal", "predict", "prepared", "probabilities", "real"),
    *("record", "settings", "shows", "silence", "sixteen times", "soft", "the same numbers"),
    *("time", "training takes too long", "turn", "twice as bad as no guess", "two bins"),
    *("two states", "video recorders", "wait", "what can't be predicted costs loudness"),
    *("what is 0 stays 0", "your own voice", "noise", "A class", "Strictness", "Pairs"),
    "Padding interpolates; only more signal resolves",
}


def prose(number, section=None):
    """Return the text of a notebook, or of one of its numbered sections."""
    cells = [c.source for c in NOTEBOOKS[number].cells if c.cell_type == "markdown"]
    text = "\n".join(cells)
    if section is None:
        return text
    (found,) = re.findall(rf"^## {section}\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def plain(text):
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode().lower()


def names(entry):
    return [line for line in entry.split("\n") if not line.startswith(" ")]


TERMS = [name for entry in ENTRIES for name in names(entry)]


def test_entries_are_sorted_and_no_term_is_defined_twice():
    first = [plain(names(entry)[0]) for entry in ENTRIES]
    assert first == sorted(first)
    assert len({name.lower() for name in TERMS}) == len(TERMS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: names(entry)[0])
def test_an_entry_is_short_and_its_term_stands_where_it_leads(entry):
    text = entry.split("\n")[-1]
    assert re.fullmatch(r"  [A-Z0-9].*[.?] \((\[.*\]\(.*\)(; )?)+\)", text)
    assert len(re.findall(r"[.?:](?= [A-Z(])", text)) <= 3, "two or three sentences"
    places = LINK.findall(text)
    assert places
    assert len(places) == text.count("](")
    for said, section, path, number in places:
        assert said == number
        assert (PROJECT / "notebooks" / path).exists()
        there = prose(number, section or None).lower()
        assert any(name.lower() in there for name in names(entry)), (said, section)


def bold():
    """Yield what the notebooks print in bold, but for what ends as a sentence or names a task."""
    for number in NOTEBOOKS:
        for text in re.findall(r"(?<!\*)\*\*([^*]+)\*\*", prose(number)):
            if not re.search(r"[.:?]$|\d · |\$", text):
                yield number, text


def is_defined(text):
    known = {name.lower() for name in TERMS}
    return any(text.lower() in (name, f"{name}s", f"{name}es") for name in known)


def test_every_term_in_bold_is_defined():
    left = {text for _, text in bold() if text not in NOT_TERMS and not is_defined(text)}
    assert not left, "define them in docs/glossary.md, or add them to NOT_TERMS"


def test_the_list_of_what_is_no_term_holds_nothing_else():
    printed = {text for _, text in bold()}
    assert printed >= NOT_TERMS
    assert not {text for text in NOT_TERMS if is_defined(text) and text[0].islower()}


def test_no_text_has_two_meanings_in_the_glossary():
    """A page links `bins` to the entry `bin`: no other entry may claim it."""
    known = {name.lower() for name in TERMS}
    assert not [name for name in known if {f"{name}s", f"{name}es"} & known]
