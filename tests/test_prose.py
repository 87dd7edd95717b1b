"""The prose of the project is spelt alike, in British English, and its sentences are short."""

import ast
import functools
import json
import re
from pathlib import Path

from spylls.hunspell import Dictionary

PROJECT = Path(__file__).parent.parent
WORDS = (PROJECT / "tests" / "words.txt").read_text(encoding="utf-8").split()
LONGEST = 50  # words of a sentence
PAGES = ("*.md", ".github/*.md", "docs/*.md", "data/*.md", "data/*/*.md")
PROGRAMS = ("*.py", "benchmarks/*.py", "classroom/*.py", "data/build/*.py", "docs/*.py")
PROGRAMS += ("helpers/*.py", "notebooks/*.py")
BRITISH = (  # how a British form becomes the American one, which is in the dictionary
    ("our", "or"),
    ("is(e|ed|er|ers|es|ing|ation|ations|able)$", r"iz\1"),
    ("ys(e|ed|er|es|ing)$", r"yz\1"),
    ("tre", "ter"),
    ("ntr(ed|es|ing)$", r"nter\1"),
    ("enc(e|es)$", r"ens\1"),
    ("ll(ed|ing|er|ers)$", r"l\1"),
    ("ogue", "og"),
    ("grey", "gray"),
    ("artefact", "artifact"),
    ("judgement", "judgment"),
    ("learnt|spelt|dreamt", "learned"),
)
AMERICAN = re.compile(  # and what is American alone
    r"((behavior|color|favor|flavor|harbor|neighbor|center|fiber|theater|gray)\w*|"
    r"(honor|humor|rumor)(s|ed|ing)?|(de|of)fenses?|(artifact|catalog|judgment)s?|learned|spelled|"
    r"(label|level|model|program|signal|travel)(ed|er|ing)|(empha|hypothe|synthe)siz\w*|"
    r"\w+(?<!s)(?<!pr)(?<!se)[iy]z(e|ed|er|ers|es|ing|ation|ations))",
    re.IGNORECASE,
)


def find(*patterns):
    return sorted(path for pattern in patterns for path in PROJECT.glob(pattern))


def name(path):
    return path.relative_to(PROJECT).as_posix()


def is_sentence(text):
    return bool(re.match(r"[A-Z*].* .*[.?!)]$", text.strip(), re.DOTALL))


def cells():
    """Yield where a text of a notebook stands, and the text: prose, captions, questions."""
    for path in find("notebooks/[0-9]*.ipynb", "classroom/*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            where, source = f"{path.name[:2]} {cell['id']}", "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                yield where, source
            elif cell["cell_type"] == "code":
                tree = ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE))
                constants = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
                for text in filter(is_sentence, (c for c in constants if isinstance(c, str))):
                    yield f"{where}, code", text
                shown = ("".join(o.get("data", {}).get("text/plain", "")) for o in cell["outputs"])
                for text in re.findall(r"^Figure: (.*)$", "\n".join(shown), re.MULTILINE):
                    yield f"{where}, figure", text


def docstrings():
    """Yield where a docstring stands, and the docstring."""
    for path in find(*PROGRAMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_told = isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            if is_told and (text := ast.get_docstring(node)):
                yield f"{name(path)}, {getattr(node, 'name', 'the module')}", text


@functools.cache
def prose():
    """Return all prose by where it stands."""
    texts = {name(path): path.read_text(encoding="utf-8") for path in find(*PAGES)}
    for where, text in (*cells(), *docstrings()):
        texts[where] = f"{texts.get(where, '')}\n\n{text}"
    return texts


FENCED = re.compile(r"^ *(`{3,})([^\n]*)\n(.*?)^ *\1$", re.DOTALL | re.MULTILINE)
PROSE = ("{glossary}", "{note}", "{tip}", "{warning}")  # directives whose content is prose
NO_PROSE = re.compile(
    r"^ *(?:>>>|\.\. math::).*?(?=\n\s*\n|\Z)|``[^`]*``|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$",
    re.DOTALL | re.MULTILINE,
)


def plain(text):
    """Leave out of a text what is no prose: code and formulas (`_` instead), addresses, tags."""
    text = FENCED.sub(lambda match: match[3] if match[2].startswith(PROSE) else " ", text)
    text = NO_PROSE.sub(" _ ", text)
    return re.sub(r"<[^>\n]+>|(?<=\])\([^)\s]*\)|https?://\S+|&\w+;|@[\w./-]+", " ", text)


def words(text):
    """Return the words of a text, without 's; names of programs and abbreviations are none."""
    found = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w/.]*[\d_/])", plain(text))
    parts = {part for word in found for part in re.split("-", word)}
    parts = {re.sub(r"['’]s?$", "", part).replace("’", "'") for part in parts}
    return {part for part in parts if len(part) > 1 and not re.search(r".[A-Z]", part)}


@functools.cache
def used():
    """Return each word that is used, and one place where it stands."""
    return {word: where for where, text in prose().items() for word in words(text)}


@functools.cache
def dictionary():
    return Dictionary.from_files("en_US")


def is_british(word):
    forms = (re.sub(pattern, form, word) for pattern, form in BRITISH)
    return any(dictionary().lookup(form) for form in forms if form != word)


def is_right(word):
    return any(map(dictionary().lookup, {word, word.lower()})) or is_british(word.lower())


def test_every_word_is_spelt_right():
    known = set(WORDS)
    wrong = {w: at for w, at in used().items() if w not in known and not is_right(w)}
    assert not wrong, f"correct, or add to tests/words.txt: {wrong}"


def test_the_list_of_words_is_sorted_and_holds_only_what_is_needed():
    assert sorted(set(WORDS), key=lambda word: (word.lower(), word)) == WORDS
    assert [word for word in WORDS if word not in used() or is_right(word)] == []


def test_spelling_is_british_but_in_titles():
    wrong = {}
    for where, text in prose().items():
        own = re.sub(r'"[^"]*"', " ", text.split("## Sources")[0])
        wrong |= {word: where for word in words(own) if AMERICAN.fullmatch(word)}
    assert not wrong


def sentences(text):
    """Cut a text into sentences: at stops, paragraphs, cells of tables, items of lists."""
    ends = (
        r"\n\s*\n",
        r"\|",
        r"^\s*(?:[-*+>]|\d+\.|#+) ",
        r"(?<=[.?!:])[\")*_]*\s+(?=[\"(*_\[]*[A-Z\d_])",
    )
    parts = re.split("|".join(ends), plain(text).split("## Sources")[0], flags=re.MULTILINE)
    return [" ".join(part.split()) for part in parts]


def length(sentence):
    return len(re.findall(r"[^\W_][\w'’.,-]*", sentence))


def test_sentences_are_short():
    texts = {at: text for at, text in prose().items() if at.endswith(".md") or ".py" not in at}
    long = {
        at: [sentence for sentence in sentences(text) if length(sentence) > LONGEST]
        for at, text in texts.items()
    }
    assert {at: found for at, found in long.items() if found} == {}
