"""Turn scores into performances: when, how loudly and under which pedal every note is played."""

import io
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np
from scores import Score, ScoreNote

LEAD_IN = 0.25  # s before the first beat
SAME_STRIKE = 0.03  # s; two onsets of one key closer than this are one stroke
TICKS_PER_SECOND = 1920  # 960 ticks per quarter note at 120 quarter notes a minute
PEDAL_CONTROLLER, PAN_CONTROLLER = 64, 10


@dataclass(frozen=True)
class Style:
    """How a piece is played.

    Attributes
    ----------
    bpm : float
        Quarter notes per minute.
    bpm_changes : tuple of (float, float)
        Later tempi: (onset in quarter notes, quarter notes per minute).
    level : float
        Mean MIDI velocity before phrasing and accents.
    rubato : float
        Share of the tempo that a phrase gains and gives back.
    final_ritard : float
        Share of the tempo lost over the last bar and a half.
    phrase_bars : int
        Bars in a phrase.
    pedal : float, optional
        Quarter notes between two changes of the pedal; no pedal where it is left out.
    bass_length : float
        Share of its written length for which the lowest part holds a key.
    part_levels : tuple of float
        Velocity added to each part.
    """

    bpm: float
    bpm_changes: tuple[tuple[float, float], ...] = ()
    level: float = 62.0
    rubato: float = 0.035
    final_ritard: float = 0.2
    phrase_bars: int = 4
    pedal: float | None = None
    bass_length: float = 1.0
    part_levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class PlayedNote:
    """One key stroke in seconds; `offset` is when the sound is damped, `key_offset` the key."""

    onset: float
    key_offset: float
    pitch: int
    velocity: int
    part: int = 0
    offset: float = 0.0


@dataclass(frozen=True)
class Performance:
    """Key strokes in time order, the moves of the pedal as (time in s, is down), and the beats.

    A beat is (time in s, its place in the bar); a bar begins with its beat 1.
    """

    notes: tuple[PlayedNote, ...]
    pedal: tuple[tuple[float, bool], ...] = ()
    beats: tuple[tuple[float, int], ...] = ()


def perform(score: Score, style: Style, *, seed: int, one_keyboard: bool) -> Performance:
    """Play a score with phrase rubato, metrical accents, a voiced melody and spread chords.

    Parameters
    ----------
    score : Score
        What is written.
    style : Style
        How it is played.
    seed : int
        Seed of the small irregularities of timing and touch.
    one_keyboard : bool
        True where all parts share one keyboard, as two hands do.

    Returns
    -------
    Performance
        The same performance for the same score, style and seed.
    """
    rng = np.random.default_rng(seed)
    beats, seconds = tempo_map(score, style, rng)
    clock = lambda beat: LEAD_IN + float(np.interp(beat, beats, seconds))  # noqa: E731
    phrase_levels = rng.normal(0.0, 3.0, size=len(score.bar_onsets) // style.phrase_bars + 2)
    notes = []
    for part, written in enumerate(score.parts):
        for chord in _chords(written):
            notes += _play_chord(chord, part, score, style, phrase_levels, clock, rng)
    if one_keyboard:
        notes = [replace(note, part=0) for note in notes]
    pedal = _pedal_moves(score, style, clock) if style.pedal else ()
    beats_played = _beats(score.bar_onsets, score.beat_length, clock)
    return finish_notes(notes, pedal, beats_played)


def tempo_map(
    score: Score, style: Style, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return beats on a fine grid and the time of each in seconds from the first beat."""
    grid_step = 0.25
    beats = np.arange(0.0, score.end + 8.0, grid_step)
    bars = np.interp(beats, score.bar_onsets, np.arange(len(score.bar_onsets)))
    phase = (bars / style.phrase_bars) % 1.0
    wander = np.zeros(len(beats))
    for i in range(1, len(beats)):  # a bounded random walk: it always returns to the tempo
        wander[i] = 0.93 * wander[i - 1] + rng.normal(0.0, 0.005)
    arch = style.rubato * (np.sin(np.pi * phase) - 2 / np.pi)  # no mean, so no drift
    breath = 1.2 * style.rubato * np.clip((phase - 0.9) / 0.1, 0.0, 1.0)
    bar_length = score.bar_onsets[1] - score.bar_onsets[0]
    ending = np.clip((beats - score.end) / (1.5 * bar_length) + 1.0, 0.0, 1.0)
    bpm = np.full(len(beats), style.bpm)
    for onset, changed in style.bpm_changes:
        bpm[beats >= onset] = changed
    bpm = bpm * (1.0 + arch - breath + wander) * (1.0 - style.final_ritard * ending)
    return beats, np.concatenate([[0.0], np.cumsum(grid_step * 60.0 / bpm)[:-1]])


def _beats(bar_onsets, beat_length: float, clock) -> tuple[tuple[float, int], ...]:
    """Return (time in s, place in the bar) of every beat; an upbeat counts from its bar's line."""
    return tuple(
        (clock(float(beat)), place)
        for start, stop in itertools.pairwise(bar_onsets)
        for place, beat in enumerate(np.arange(start, stop - 1e-6, beat_length), 1)
        if beat >= 0  # before an upbeat nothing is played
    )


def _chords(notes: tuple[ScoreNote, ...]) -> list[list[ScoreNote]]:
    """Group the notes that are written on one beat, lowest first."""
    groups: dict[int, list[ScoreNote]] = {}
    for note in notes:
        groups.setdefault(round(note.onset * 48), []).append(note)
    return [sorted(groups[k], key=lambda n: (n.pitch, n.duration)) for k in sorted(groups)]


def _play_chord(chord, part, score, style, phrase_levels, clock, rng) -> list[PlayedNote]:
    """Spread a chord upwards, its melody note a little early and louder than the rest."""
    is_melody_part, is_bass_part = part == 0, part == len(score.parts) - 1
    onset = clock(chord[0].onset) + rng.normal(0.0, 0.005)
    level = style.level + _accent(chord[0].onset, score) + _swell(chord[0].onset, score, style)
    level += phrase_levels[_phrase(chord[0].onset, score, style)]
    level += style.part_levels[part] if style.part_levels else 0.0
    notes = []
    for i, note in enumerate(chord):
        on_top = i == len(chord) - 1
        voicing = 0.0 if len(chord) == 1 else 7.0 if on_top and is_melody_part else -4.0
        written = 0.4 * np.clip(note.velocity - _usual_velocity(score.parts[part]), -25, 25)
        velocity = int(np.clip(level + voicing + written + rng.normal(0.0, 3.0), 22, 112))
        start = onset + 0.004 * i - (0.008 if on_top and is_melody_part else 0.0)
        length = note.duration * (style.bass_length if is_bass_part else 1.0)
        stop = max(start + 0.06, clock(note.onset + length) - 0.012)
        notes.append(PlayedNote(start, stop, note.pitch, velocity, part))
    return notes


def _usual_velocity(notes: tuple[ScoreNote, ...]) -> float:
    """Return the median written velocity of a part."""
    return float(np.median([note.velocity for note in notes]))


def _bar_position(beat: float, score: Score) -> tuple[int, float]:
    """Return the index of the bar and the position in it in quarter notes."""
    bar = int(np.searchsorted(score.bar_onsets, beat + 1e-6)) - 1
    return max(bar, 0), beat - score.bar_onsets[max(bar, 0)]


def _accent(beat: float, score: Score) -> float:
    """Return the metrical accent: downbeat, middle of the bar, beat, between the beats."""
    bar, position = _bar_position(beat, score)
    following = score.bar_onsets[min(bar + 1, len(score.bar_onsets) - 1)]
    middle = (following - score.bar_onsets[bar]) / 2
    if position < 0.01:
        return 6.0
    if abs(position - middle) < 0.01:
        return 3.0
    return 0.0 if abs(position - round(position)) < 0.01 else -3.0


def _phrase(beat: float, score: Score, style: Style) -> int:
    """Return the index of the phrase."""
    return _bar_position(beat, score)[0] // style.phrase_bars


def _swell(beat: float, score: Score, style: Style) -> float:
    """Return the rise and fall of the level within a phrase."""
    bars = float(np.interp(beat, score.bar_onsets, np.arange(len(score.bar_onsets))))
    return 12.0 * float(np.sin(np.pi * ((bars / style.phrase_bars) % 1.0)))


def _pedal_moves(score: Score, style: Style, clock) -> tuple[tuple[float, bool], ...]:
    """Change the pedal just after the beat, as a pianist does, and lift it at the end."""
    moves = []
    bars = [b for b in score.bar_onsets if b < score.end - 1e-6]
    for start, stop in zip(bars, [*bars[1:], score.end], strict=True):
        for beat in np.arange(max(start, 0.0), stop - 1e-6, style.pedal):
            time = clock(float(beat))
            moves += [(max(0.0, time - 0.02), False), (time + 0.06, True)]
    return (*moves, (clock(score.end) + 0.8, False))


def read_midi_performance(path: Path, *, start_marker: str | None = None) -> Performance:
    """Read a piano MIDI file that carries its own expressive timing, touch and pedal.

    The volume controller, which some voices of a fugue use, is folded into the velocities.

    Parameters
    ----------
    path : Path
        MIDI file.
    start_marker : str, optional
        Marker of the file with which the performance begins; all is played where it is left out.

    Returns
    -------
    Performance
        Key strokes, pedal and beats as in the file.
    """
    midi = mido.MidiFile(path)
    time, volume, sounding, notes, pedal, start = LEAD_IN, {}, {}, [], [], None
    for message in midi:
        time += message.time
        if message.type == "marker" and message.text == start_marker:
            start = time
        elif message.type == "control_change" and message.control == 7:
            volume[message.channel] = message.value
        elif message.type == "control_change" and message.control == PEDAL_CONTROLLER:
            pedal.append((time, message.value >= 64))
        elif message.type == "note_on" and message.velocity > 0:
            louder = volume.get(message.channel, 100) / 100
            velocity = int(np.clip(message.velocity * louder, 1, 112))
            sounding.setdefault((message.channel, message.note), []).append((time, velocity))
        elif message.type in ("note_on", "note_off"):
            strokes = sounding.get((message.channel, message.note))
            if strokes:
                onset, velocity = strokes.pop(0)
                notes.append(PlayedNote(onset, time, message.note, velocity))
    performance = finish_notes(notes, tuple(pedal), _midi_beats(midi))
    if start_marker is None:
        return performance
    if start is None:
        raise ValueError(f"{path} has no marker {start_marker!r} to begin with")
    return _from(performance, start)


def _from(performance: Performance, start: float) -> Performance:
    """Return what is played from a time in s on, as if the performance began there."""
    shift = LEAD_IN - start
    notes = tuple(
        replace(
            note,
            onset=note.onset + shift,
            key_offset=note.key_offset + shift,
            offset=note.offset + shift,
        )
        for note in performance.notes
        if note.onset >= start
    )
    pedal = tuple((time + shift, down) for time, down in performance.pedal if time >= start)
    beats = tuple((time + shift, beat) for time, beat in performance.beats if time >= start - 1e-6)
    return Performance(notes, pedal, beats)


def _midi_beats(midi: mido.MidiFile) -> tuple[tuple[float, int], ...]:
    """Return the beats of a file with one metre, whose changes of tempo are the performance.

    Three eighths make a beat where a bar has six, nine or twelve of them.
    """
    ticks, seconds, tempo, metre = [0], [LEAD_IN], 500_000, None  # tempo: us a quarter note
    for message in mido.merge_tracks(midi.tracks):
        ticks.append(ticks[-1] + message.time)
        seconds.append(seconds[-1] + mido.tick2second(message.time, midi.ticks_per_beat, tempo))
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "time_signature":
            metre = message.numerator, 4 / message.denominator
    n_units, unit = metre
    beat_length = 3 * unit if n_units in (6, 9, 12) else unit  # quarter notes
    quarters = np.array(ticks) / midi.ticks_per_beat
    bar_onsets = np.arange(0.0, quarters[-1] + 1e-6, n_units * unit)
    return _beats(bar_onsets, beat_length, lambda beat: float(np.interp(beat, quarters, seconds)))


def finish_notes(
    notes: list[PlayedNote],
    pedal: tuple[tuple[float, bool], ...],
    beats: tuple[tuple[float, int], ...],
) -> Performance:
    """Give every key one stroke at a time, and find when the sound of each is damped."""
    by_key: dict[tuple[int, int], list[PlayedNote]] = {}
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        by_key.setdefault((note.part, note.pitch), []).append(note)
    single = [_one_stroke_at_a_time(strokes) for strokes in by_key.values()]
    last = max(note.key_offset for strokes in single for note in strokes)
    damped = []
    for strokes in single:
        following = [note.onset for note in strokes[1:]] + [np.inf]
        for note, restruck in zip(strokes, following, strict=True):
            lifted = _pedal_release(note.key_offset, pedal, end=last + 1.0)
            damped.append(replace(note, offset=min(lifted, restruck)))
    played = tuple(sorted(damped, key=lambda n: (n.onset, n.pitch)))
    return Performance(played, tuple(pedal), beats)


def _one_stroke_at_a_time(strokes: list[PlayedNote]) -> list[PlayedNote]:
    """Join strokes of one key that fall together; end a stroke before the next begins."""
    single = [strokes[0]]
    for note in strokes[1:]:
        previous = single[-1]
        if note.onset - previous.onset < SAME_STRIKE:
            stop = max(previous.key_offset, note.key_offset)
            velocity = max(previous.velocity, note.velocity)
            single[-1] = replace(previous, key_offset=stop, velocity=velocity)
        else:
            gap = min(0.01, (note.onset - previous.onset) / 2)
            stop = min(previous.key_offset, note.onset - gap)
            single[-1] = replace(previous, key_offset=stop)
            single.append(note)
    return single


def _pedal_release(key_offset: float, pedal: tuple[tuple[float, bool], ...], end: float) -> float:
    """Return when a note ends whose key is released at `key_offset`."""
    times = [time for time, _ in pedal]
    before = int(np.searchsorted(times, key_offset, side="right")) - 1
    if before < 0 or not pedal[before][1]:
        return key_offset
    lifts = (time for time, is_down in pedal[before + 1 :] if not is_down)
    return next(lifts, max(end, key_offset))


def midi_bytes(
    performance: Performance, programs: tuple[int, ...], pans: tuple[int, ...] = ()
) -> bytes:
    """Return a MIDI file of a performance, one channel for each part.

    Parameters
    ----------
    performance : Performance
        What is played.
    programs : tuple of int
        General MIDI program of each part, counted from 0.
    pans : tuple of int
        Place of each part from 0 (left) to 127 (right); all in the middle where it is left out.

    Returns
    -------
    bytes
        A type 1 MIDI file.
    """
    events = []  # (time, order within one time, message)
    for note in performance.notes:
        on = mido.Message("note_on", channel=note.part, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=note.part, note=note.pitch, velocity=0)
        events += [(note.onset, 2, on), (note.key_offset, 0, off)]
    for time, is_down in performance.pedal:
        value = 127 if is_down else 0
        events.append((time, 1, _control(0, PEDAL_CONTROLLER, value)))
    events.sort(key=lambda event: event[:2])
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    for channel, program in enumerate(programs):
        track.append(mido.Message("program_change", channel=channel, program=program))
    track += [_control(channel, PAN_CONTROLLER, pan) for channel, pan in enumerate(pans)]
    last = 0
    for time, _, message in events:
        ticks = max(last, round(time * TICKS_PER_SECOND))
        track.append(message.copy(time=ticks - last))
        last = ticks
    track.append(mido.MetaMessage("end_of_track", time=4 * TICKS_PER_SECOND))  # let it ring
    buffer = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=960, tracks=[track]).save(file=buffer)
    return buffer.getvalue()


def _control(channel: int, control: int, value: int) -> mido.Message:
    """Return a control change."""
    return mido.Message("control_change", channel=channel, control=control, value=value)
