"""A port of the 2016 algorithm in today's Keras: the baseline for speed.

It keeps what the original does, its mistakes included; only file handling and the loss are ours
(the original's is squared). The steps:
stereo MP3 -> mono MP3 -> WAV (by LAME where it is installed, else by libsndfile) -> int16 / 32767
-> blocks of a quarter of a second, the last one zero-padded -> full complex FFT, real and imaginary
parts side by side, float64 -> examples of 40 blocks -> dense 1024, LSTM 1024, dense, mean absolute
error, RMSprop, batch 1.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import soundfile

SR = 44_100  # Hz
BLOCK_LENGTH = SR // 4  # samples
SEQ_LENGTH = 40  # blocks
WIDTH = 1024  # units


def decoder() -> str:
    """Name the program that converts MP3 to WAV here."""
    return "LAME" if shutil.which("lame") else "libsndfile"


def convert(mp3: Path, folder: Path) -> Path:
    """Turn an MP3 of any channel count into a mono, 16-bit WAV, through a second lossy MP3."""
    mono, wav = folder / f"{mp3.stem}_mono.mp3", folder / f"{mp3.stem}.wav"
    if shutil.which("lame"):
        subprocess.run(["lame", "--quiet", "-a", "-m", "m", mp3, mono], check=True)
        subprocess.run(["lame", "--quiet", "--decode", mono, wav], check=True)
    else:
        samples, sr = soundfile.read(mp3, always_2d=True)
        soundfile.write(mono, samples.mean(axis=1), sr, format="MP3")
        samples, sr = soundfile.read(mono)
        soundfile.write(wav, samples, sr, subtype="PCM_16")
    return wav


def blocks_of(wav: Path) -> list[np.ndarray]:
    """Read a WAV as float32 and cut it into blocks; the last one is zero-padded."""
    _, samples = scipy.io.wavfile.read(wav)
    y = samples.astype("float32") / 32767.0
    blocks = [y[start : start + BLOCK_LENGTH] for start in range(0, len(y), BLOCK_LENGTH)]
    blocks[-1] = np.concatenate([blocks[-1], np.zeros(BLOCK_LENGTH - len(blocks[-1]))])
    return blocks


def transform(blocks: list[np.ndarray]) -> list[np.ndarray]:
    """Take the full FFT of each block, its real parts followed by its imaginary parts."""
    spectra = [np.fft.fft(block) for block in blocks]
    return [np.concatenate([np.real(spectrum), np.imag(spectrum)]) for spectrum in spectra]


def examples(wavs: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Cut songs into examples of 40 blocks; the target lies a block later, its end is zero."""
    chunks_x, chunks_y = [], []
    for wav in wavs:
        x = transform(blocks_of(wav))
        y = [*x[1:], np.zeros(2 * BLOCK_LENGTH)]
        current = 0
        while current + SEQ_LENGTH < len(x):  # the last full chunk is dropped
            chunks_x.append(x[current : current + SEQ_LENGTH])
            chunks_y.append(y[current : current + SEQ_LENGTH])
            current += SEQ_LENGTH
    shape = (len(chunks_x), SEQ_LENGTH, 2 * BLOCK_LENGTH)
    x_data, y_data = np.zeros(shape), np.zeros(shape)
    for n in range(len(chunks_x)):
        for i in range(SEQ_LENGTH):
            x_data[n][i] = chunks_x[n][i]
            y_data[n][i] = chunks_y[n][i]
    mean = np.mean(np.mean(x_data, axis=0), axis=0)  # these two were computed, and not applied
    np.sqrt(np.mean(np.mean(np.abs(x_data - mean) ** 2, axis=0), axis=0))
    return x_data, y_data


def network(n_features: int = 2 * BLOCK_LENGTH, width: int = WIDTH):
    """Build the original network: linear dense, LSTM, linear dense.

    The original wrapped the dense layers in TimeDistributed. A plain dense layer computes the same
    for each block, and Keras 3.15 predicts wrong shapes through the wrapper when a history grows.
    """
    import keras

    model = keras.Sequential(
        [
            keras.Input((None, n_features)),
            keras.layers.Dense(width),
            keras.layers.LSTM(width, return_sequences=True),
            keras.layers.Dense(n_features),
        ]
    )
    model.compile(loss="mean_absolute_error", optimizer="rmsprop")
    return model


def generate(model, seed: np.ndarray, n_blocks: int) -> np.ndarray:
    """Predict over the whole growing sequence, append the last output, and repeat."""
    sequence = seed[None]  # (1, n_seed, n_features)
    generated = []
    for _ in range(n_blocks):
        prediction = model.predict(sequence, verbose=0)
        generated.append(prediction[0, -1])
        sequence = np.concatenate([sequence, prediction[:, -1:]], axis=1)
    return np.stack(generated)


def to_int16(generated: np.ndarray) -> np.ndarray:
    """Take the inverse FFT, keep the real part, scale, and cast: large values wrap around."""
    half = generated.shape[1] // 2
    blocks = [np.fft.ifft(frame[:half] + 1j * frame[half:]) for frame in generated]
    # By way of int64, so that every processor wraps as those of 2016 did.
    return (np.real(np.concatenate(blocks)) * 32767.0).astype("int64").astype("int16")
