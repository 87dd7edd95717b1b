"""Read scores: MIDI files, the music21 corpus, and our own transcription of a Bach prelude."""

import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np


@dataclass(frozen=True)
class ScoreNote:
    """One written note; times in quarter notes from the start of the piece."""

    onset: float
    duration: float
    pitch: int
    velocity: int = 80


@dataclass(frozen=True)
class Score:
    """Parts of notes, highest part first, the onsets of the bars and a beat, in quarter notes."""

    parts: tuple[tuple[ScoreNote, ...], ...]
    bar_onsets: tuple[float, ...]
    beat_length: float = 1.0

    @property
    def end(self) -> float:
        """End of the last note in quarter notes."""
        return max(note.onset + note.duration for part in self.parts for note in part)


def read_midi_score(path: Path, *, bar_length: float, upbeat: float = 0.0) -> Score:
    """Read the notes of a metrical MIDI file, one part for each track that has notes.

    Parameters
    ----------
    path : Path
        MIDI file whose ticks follow the beat.
    bar_length : float
        Length of a bar in quarter notes, where the file has no changes of metre.
    upbeat : float
        Length of an incomplete first bar in quarter notes.

    Returns
    -------
    Score
        Notes and bars in quarter notes.
    """
    midi = mido.MidiFile(path)
    tracks = [_track_notes(track, midi.ticks_per_beat) for track in midi.tracks]
    parts = [notes for notes in tracks if notes]
    changes = _metre_changes(midi) or [(0.0, bar_length)]
    end = max(note.onset + note.duration for part in parts for note in part)
    return Score(tuple(parts), _bar_onsets(changes, upbeat, end))


def _track_notes(track: mido.MidiTrack, ticks_per_beat: int) -> tuple[ScoreNote, ...]:
    """Pair note-ons with note-offs, first on first off."""
    ticks, sounding, notes = 0, {}, []
    for message in track:
        ticks += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity > 0:
            sounding.setdefault(key, []).append((ticks, message.velocity))
        elif sounding.get(key):
            start, velocity = sounding[key].pop(0)
            if ticks > start:
                onset, duration = start / ticks_per_beat, (ticks - start) / ticks_per_beat
                notes.append(ScoreNote(onset, duration, message.note, velocity))
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


def _metre_changes(midi: mido.MidiFile) -> list[tuple[float, float]]:
    """Return (onset, bar length) in quarter notes for every time signature of the file."""
    changes, ticks = [], 0
    for message in mido.merge_tracks(midi.tracks):
        ticks += message.time
        if message.type == "time_signature":
            length = 4.0 * message.numerator / message.denominator
            changes.append((ticks / midi.ticks_per_beat, length))
    return changes


def _bar_onsets(changes: list[tuple[float, float]], upbeat: float, end: float) -> tuple[float, ...]:
    """Lay bars from the first to the last beat; a change of metre starts a new bar."""
    (_, length), later = changes[0], changes[1:]
    onsets = [upbeat - length] if upbeat else []
    beat = upbeat
    while beat < end + 2 * length:
        if later and beat >= later[0][0] - 1e-6:
            (_, length), later = later[0], later[1:]
        onsets.append(beat)
        beat = min(beat + length, later[0][0]) if later else beat + length
    return tuple(onsets)


def play_order(score: Score, bars: tuple[tuple[int, int], ...]) -> Score:
    """Write out repeats: join the given runs of bars.

    Parameters
    ----------
    score : Score
        Score with every bar once, first and second endings in a row.
    bars : tuple of (int, int)
        First and last bar of each run, counted from 1, both included.

    Returns
    -------
    Score
        The bars in the order in which they are played.
    """
    parts: list[list[ScoreNote]] = [[] for _ in score.parts]
    onsets, shift = [], 0.0
    for first, last in bars:
        start, stop = score.bar_onsets[first - 1], score.bar_onsets[last]
        onsets += [beat - start + shift for beat in score.bar_onsets[first - 1 : last]]
        for written, played in zip(score.parts, parts, strict=True):
            played += [_moved(n, shift - start) for n in written if start <= n.onset < stop]
        shift += stop - start
    return Score(tuple(tuple(part) for part in parts), (*onsets, shift), score.beat_length)


def _moved(note: ScoreNote, beats: float) -> ScoreNote:
    """Return the note some beats later."""
    return ScoreNote(note.onset + beats, note.duration, note.pitch, note.velocity)


def read_corpus_score(
    name: str,
    *,
    bar_length: float,
    upbeat: float = 0.0,
    beat_length: float = 1.0,
    measures: tuple[int, int] | None = None,
) -> Score:
    """Read a piece of the music21 corpus at sounding pitch, without grace notes or repeat marks.

    Parameters
    ----------
    name : str
        Name in the corpus, such as "corelli/opus3no1/1grave".
    bar_length, upbeat, beat_length : float
        Length of a bar, of an incomplete first bar and of a beat in quarter notes.
    measures : (int, int), optional
        First and last measure of an excerpt; the whole piece where it is left out.

    Returns
    -------
    Score
        One part for each staff.
    """
    stream = _parse_corpus(name)
    for mark in list(stream.recurse().getElementsByClass(("RepeatMark", "RepeatBracket"))):
        mark.activeSite.remove(mark)  # incomplete repeats make music21 refuse to go on
    stream = stream.toSoundingPitch()
    parts = tuple(_staff_notes(staff, measures) for staff in stream.parts)
    end = max(note.onset + note.duration for part in parts for note in part)
    return Score(parts, _bar_onsets([(0.0, bar_length)], upbeat, end), beat_length)


def _parse_corpus(name: str):
    """Parse a piece of the music21 corpus; an overfull bar in one of them is known and unused."""
    from music21 import corpus
    from music21.musicxml.xmlObjects import MusicXMLWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MusicXMLWarning)
        return corpus.parse(name)


def _staff_notes(staff, measures: tuple[int, int] | None) -> tuple[ScoreNote, ...]:
    """Return the notes of a music21 staff, tied notes joined."""
    from music21 import harmony

    if measures:
        staff = staff.measures(*measures)
    start = float(staff.getElementsByClass("Measure")[0].offset) if measures else 0.0
    notes = []
    for element in staff.stripTies().flatten().notes:
        duration = float(element.quarterLength)
        if isinstance(element, harmony.ChordSymbol) or duration <= 0:
            continue
        onset = float(element.offset) - start
        notes += [ScoreNote(onset, duration, pitch.midi) for pitch in element.pitches]
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


VELOCITY_OF = {"ppp": 36, "pp": 46, "p": 58, "mp": 68, "mf": 78, "f": 90, "ff": 102}
GRACE_LENGTH = 0.125  # quarter notes; a run of grace notes takes at most RUN_LENGTH
RUN_LENGTH = 0.375


def read_piano_score(
    source: str | Path,
    *,
    bar_length: float,
    beat_length: float = 1.0,
    bars: tuple[tuple[int, int], ...] = (),
    staves: slice = slice(None),
) -> Score:
    """Read an encoded piano score with its dynamics, and write its ornaments out.

    Grace notes are played on the beat, trills from the written note, and a measured tremolo as the
    notes that it stands for. Crescendos and accents are left out.

    Parameters
    ----------
    source : str or Path
        Name in the music21 corpus, or a MusicXML file.
    bar_length, beat_length : float
        Length of a bar and of a beat in quarter notes.
    bars : tuple of (int, int)
        Runs of bars in the order in which they are played (see `play_order`); as written where
        it is left out.
    staves : slice
        The piano's staves, where the score has others.

    Returns
    -------
    Score
        Two parts: the right hand's staff and the left's.
    """
    stream = _parse_corpus(source) if isinstance(source, str) else _parse_file(source)
    hands = list(stream.parts)[staves]
    marks = [mark for hand in hands for mark in hand.flatten().getElementsByClass("Dynamic")]
    dynamics = [(float(m.offset), VELOCITY_OF[m.value]) for m in marks if m.value in VELOCITY_OF]
    parts = tuple(_hand_notes(hand, sorted(dynamics)) for hand in hands)
    end = max(note.onset + note.duration for part in parts for note in part)
    score = Score(parts, _bar_onsets([(0.0, bar_length)], 0.0, end), beat_length)
    return play_order(score, bars) if bars else score


def _parse_file(path: Path):
    """Parse a MusicXML file."""
    from music21 import converter

    return converter.parse(path, forceSource=True)  # else it would be pickled and cached


def _hand_notes(staff, dynamics: list[tuple[float, int]]) -> tuple[ScoreNote, ...]:
    """Return the notes of a staff as they are played: tied notes joined, ornaments written out."""
    graces, written = defaultdict(list), defaultdict(list)
    for element in staff.stripTies().flatten().notes:
        found = graces if element.duration.isGrace else written
        found[float(element.offset)].append(element)
    notes = []
    for onset, elements in written.items():
        velocity = next((level for start, level in reversed(dynamics) if start <= onset), 80)
        run = graces[onset]
        length = min(GRACE_LENGTH, RUN_LENGTH / max(1, len(run)))
        for i, grace in enumerate(run):
            start = onset + i * length
            notes += [ScoreNote(start, length, pitch.midi, velocity) for pitch in grace.pitches]
        delayed = _nearest(run[-1], elements) if run else None
        for element in elements:
            delay = len(run) * length if element is delayed else 0.0
            for start, duration, pitch in _played(element, onset, delay):
                notes.append(ScoreNote(start, duration, pitch, velocity))
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


def _nearest(grace, elements: list):
    """Return the note or chord nearest in pitch to the grace note that leads to it."""
    top = grace.pitches[-1].midi
    return min(elements, key=lambda element: abs(element.pitches[-1].midi - top))


def _played(element, onset: float, delay: float) -> list[tuple[float, float, int]]:
    """Return (onset, duration, pitch) of what a note or chord with its ornament stands for."""
    from music21 import expressions

    duration = float(element.quarterLength)
    pitches = [pitch.midi for pitch in element.pitches]
    kinds = {type(expression): expression for expression in element.expressions}
    if expressions.Tremolo in kinds:
        length = 0.5 ** kinds[expressions.Tremolo].numberOfMarks
        steps = [(i * length, length) for i in range(round(duration / length))]
        return [(onset + start, length, pitch) for start, length in steps for pitch in pitches]
    if {expressions.Trill, expressions.Turn} & set(kinds):
        played, start = [], onset
        for note in expressions.realizeOrnaments(element):
            played += [(start, float(note.quarterLength), pitch.midi) for pitch in note.pitches]
            start += float(note.quarterLength)
        return played
    return [(onset + delay, max(duration - delay, duration / 4), pitch) for pitch in pitches]


def read_lead_sheet(name: str, *, bar_length: float, bars: tuple[tuple[int, int], ...]) -> Score:
    """Read a melody with chord symbols; the chords become broken chords in eighth notes.

    Parameters
    ----------
    name : str
        Name in the music21 corpus.
    bar_length : float
        Length of a bar in quarter notes.
    bars : tuple of (int, int)
        Runs of bars in the order in which they are played (see `play_order`).

    Returns
    -------
    Score
        Two parts: the melody and its accompaniment.
    """
    from music21 import harmony

    melody = read_corpus_score(name, bar_length=bar_length).parts[0]
    symbols = _parse_corpus(name).parts[0].flatten().getElementsByClass(harmony.ChordSymbol)
    chords = [(float(s.offset), sorted({p.midi for p in s.pitches})) for s in symbols if s.pitches]
    end = max(note.onset + note.duration for note in melody)
    accompaniment = _broken_chords(chords, end)
    bar_onsets = _bar_onsets([(0.0, bar_length)], 0.0, end)
    return play_order(Score((melody, accompaniment), bar_onsets), bars)


def _broken_chords(chords: list[tuple[float, list[int]]], end: float) -> tuple[ScoreNote, ...]:
    """Play each chord upwards and back in eighth notes until the next chord."""
    lowest_on_guitar, notes = 43, []
    for (onset, pitches), (stop, _) in zip(chords, [*chords[1:], (end, [])], strict=True):
        raised = [p if p >= lowest_on_guitar else p + 12 for p in pitches]
        pattern = [raised[0], *raised[1:], *raised[1:-1][::-1]]
        for step in range(round((stop - onset) * 2)):
            beat = onset + step / 2
            length = min(1.0, stop - beat)
            notes.append(ScoreNote(beat, length, pattern[step % len(pattern)]))
    return tuple(notes)


# Prelude in C major, BWV 846 (J. S. Bach, 1722), transcribed for this project: bars 1 to 32 repeat
# one figure, so five pitches give a bar; bars 33 and 34 are written out in sixteenth notes.
PRELUDE_FIGURES = """
C4 E4 G4 C5 E5 | C4 D4 A4 D5 F5 | B3 D4 G4 D5 F5 | C4 E4 G4 C5 E5
C4 E4 A4 E5 A5 | C4 D4 F#4 A4 D5 | B3 D4 G4 D5 G5 | B3 C4 E4 G4 C5
A3 C4 E4 G4 C5 | D3 A3 D4 F#4 C5 | G3 B3 D4 G4 B4 | G3 Bb3 E4 G4 C#5
F3 A3 D4 A4 D5 | F3 Ab3 D4 F4 B4 | E3 G3 C4 G4 C5 | E3 F3 A3 C4 F4
D3 F3 A3 C4 F4 | G2 D3 G3 B3 F4 | C3 E3 G3 C4 E4 | C3 G3 Bb3 C4 E4
F2 F3 A3 C4 E4 | F#2 C3 A3 C4 Eb4 | Ab2 F3 B3 C4 D4 | G2 F3 G3 B3 D4
G2 E3 G3 C4 E4 | G2 D3 G3 C4 F4 | G2 D3 G3 B3 F4 | G2 Eb3 A3 C4 F#4
G2 E3 G3 C4 G4 | G2 D3 G3 C4 F4 | G2 D3 G3 B3 F4 | C2 C3 G3 Bb3 E4
"""
PRELUDE_CODA = (
    "C2 C3 F3 A3 C4 F4 C4 A3 C4 A3 F3 A3 F3 D3 F3 D3",
    "C2 B2 G4 B4 D5 F5 D5 B4 D5 B4 G4 B4 D4 F4 E4 D4",
)
PRELUDE_LAST_CHORD = "C2 C3 E4 G4 C5"


def bach_prelude() -> Score:
    """Return the 35 bars of the Prelude in C major, BWV 846, right hand first."""
    right, left = [], []
    figures = PRELUDE_FIGURES.strip().replace("\n", " | ").split(" | ")
    for bar, figure in enumerate(figures):
        bass, tenor, *upper = [pitch_number(name) for name in figure.split()]
        for half in (4.0 * bar, 4.0 * bar + 2.0):
            left += [ScoreNote(half, 2.0, bass), ScoreNote(half + 0.25, 1.75, tenor)]
            right += _sixteenths(half + 0.5, upper * 2)
    for bar, sixteenths in enumerate(PRELUDE_CODA, start=len(figures)):
        bass, tenor, *upper = [pitch_number(name) for name in sixteenths.split()]
        left += [ScoreNote(4.0 * bar, 4.0, bass), ScoreNote(4.0 * bar + 0.25, 3.75, tenor)]
        right += _sixteenths(4.0 * bar + 0.5, upper)
    last = 4.0 * (len(figures) + len(PRELUDE_CODA))
    chord = [ScoreNote(last, 4.0, pitch_number(name)) for name in PRELUDE_LAST_CHORD.split()]
    parts = (tuple(right + chord[2:]), tuple(left + chord[:2]))
    return Score(parts, tuple(np.arange(0.0, last + 8.0, 4.0).tolist()))


def _sixteenths(onset: float, pitches: list[int]) -> list[ScoreNote]:
    """Return one sixteenth note after the other."""
    return [ScoreNote(onset + 0.25 * i, 0.25, pitch) for i, pitch in enumerate(pitches)]


def pitch_number(name: str) -> int:
    """Return the MIDI number of a pitch name: "C4" is 60, "F#3" is 54, "Bb2" is 46."""
    letter, accidental, octave = name[0], name[1:-1], int(name[-1])
    semitone = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter]
    return semitone + accidental.count("#") - accidental.count("b") + 12 * (octave + 1)
