"""Make a song: music that the shipped network composes, a tune in it, words for it, a voice.

With --text FILE, the lines of a file are sung on the tune instead of written ones.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers import audio, beats, events, files, lyrics, midi, note_model, synthesis, verse, voice

DATA = Path(__file__).resolve().parent.parent / "data"
MODELS, TEXTS = DATA / "models", DATA / "texts"
N_BEATS, SCHEME = 64, "ABAB"
LONGEST = 15  # notes of a phrase, at most
N_TAKES = 12  # pieces that are composed in search of a tune
AROUND = 4.0  # s of music before the voice, and of notes that begin after it

Counts = Sequence[Sequence[int]]  # how many syllables each word of each line has


def main() -> int:
    """Make a song of what the command line asks for."""
    sys.stdout.reconfigure(errors="backslashreplace")  # what takes its place may know few letters
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="another one, another song")
    parser.add_argument("--text", type=Path, help="a text file, a line of yours for each phrase")
    parser.add_argument("--to", type=Path, default=DATA.parent / "outputs" / "song")
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"--seed must be 0 or more, got {options.seed}")
    if options.text and not options.text.is_file():
        parser.error(f"{options.text} is no file: name a text file")
    try:
        own = read_lines(options.text) if options.text else None
        make(options.seed, own, options.to)
    except (audio.AudioError, ImportError, OSError, ValueError) as fault:
        print(f"No song could be made: {fault}", file=sys.stderr)
        return 1
    return 0


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that hold something."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path} must be UTF-8 text: save it as UTF-8") from fault
    if not any(lines):
        raise ValueError(f"{path} holds no line: write one for each phrase")
    return [line for line in lines if line]


def make(seed: int, own: list[str] | None, to: Path) -> None:
    """Compose, find a tune, write or take its words, sing them; write everything to a folder."""
    played, tune, counts = find_tune(seed, own)
    rest = lyrics.accompaniment(played, tune)
    begin, end = max(0.0, tune.notes[0, 0] - AROUND), tune.notes[-1, 1] + AROUND
    rest = rest[(rest[:, 0] >= begin) & (rest[:, 0] < end)] - begin * np.array([1, 1, 0, 0])
    tune = dataclasses.replace(tune, notes=tune.notes - begin * np.array([1, 1, 0]))
    if not own:
        own, counts = write(tune, seed)
    song = voice.sing(own, tune, syllables=counts)
    _, bank = synthesis.load(MODELS / "notes_bank.npz")
    music = synthesis.play(rest, bank)
    y = voice.mix(song, audio.resample(music, sr_from=bank.settings.sr, sr_to=song.sr))
    to.mkdir(parents=True, exist_ok=True)
    for suffix in (".wav", ".mp3"):
        audio.save(to / f"song{suffix}", y, sr=song.sr)
    midi.save(to / "song.mid", rest, sung=tune.notes, lyrics=song.syllables)
    text = "\n".join([*own, ""])
    for name, content in {"song.lrc": lyrics.lrc(song.syllables), "words.txt": text}.items():
        with files.replacing(to / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    print(f"{text}\n{len(y) / song.sr:.0f} s, in {to}: song.wav, .mp3, .mid, .lrc and words.txt")


def find_tune(seed: int, own: list[str] | None) -> tuple[events.Played, voice.Melody, Counts]:
    """Compose until there is a tune that can be sung, and that lines of one's own fit."""
    weights, settings = note_model.load(MODELS / "notes_lstm.npz")
    n_phrases, counts = len(own or SCHEME), ()
    for line in own or ():  # what no tune can help
        lyrics.set_line(line, np.ones(LONGEST, bool))
    for take in range(N_TAKES):
        rng = np.random.default_rng([seed, take])
        n_ticks = max(N_BEATS, 16 * n_phrases) * beats.TICKS
        score = note_model.compose(weights, settings, n_ticks, rng=rng)
        timing = {"timing": settings.timing, "beat_length": settings.timing.beat}
        played = events.read(events.perform(score, rng=rng, **timing))
        try:
            tune = lyrics.melody(played, n_phrases=n_phrases)
            if own:
                strong = (tune.strong[slice(*phrase)] for phrase in tune.phrases)
                _, counts, held = zip(*map(lyrics.set_line, own, strong), strict=True)
                tune = dataclasses.replace(tune, syllable=np.concatenate(held))
        except ValueError as fault:
            reason = fault
        else:
            return played, tune, counts
    raise ValueError(f"the tunes of {N_TAKES} compositions don't suit; the last: {reason}")


def write(tune: voice.Melody, seed: int) -> tuple[list[str], Counts]:
    """Let the language model write a line for each phrase: lines, and syllables of each word."""
    words = lyrics.lexicon(verse.split(verse.read_poems(TEXTS))[0])
    lines = lyrics.fit(verse.load(MODELS / "verse.npz"), tune, words, scheme=SCHEME, seed=seed)
    return [line.text for line in lines], [line.syllables for line in lines]


if __name__ == "__main__":
    sys.exit(main())
