"""The single measurements: each runs in a process of its own, and prints its result as JSON."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import original
from helpers import audio, frame_model, transforms

MODEL = Path("data/models/original_lstm.npz")  # the network that notebook 05 trains
SEQ_LENGTH = original.SEQ_LENGTH


def peak_bytes() -> int:
    """Return the largest memory that this process has had."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def prepare_original(mp3s: list[Path], folder: Path):
    """Return the original's training tensors, made from MP3 files."""
    return original.examples([original.convert(mp3, folder) for mp3 in mp3s])


def prepare_ours(mp3s: list[Path], folder: Path):
    """Return our training tensors, made from the same files."""
    _, settings, _ = frame_model.load(MODEL)
    frames = [
        transforms.spectra_to_features(
            transforms.rfft_blocks(
                transforms.split_blocks(audio.load(mp3, sr=settings.sr), settings.block_length)
            )
        )
        for mp3 in mp3s
    ]
    standardiser = frame_model.fit_standardiser(frames)
    return frame_model.concatenate_sequences(
        frame_model.make_sequences(standardiser.apply(frames.pop(0)), SEQ_LENGTH)
        for _ in range(len(frames))
    )


def prepare(who: str, folder: Path) -> dict:
    """Measure the way from MP3 files to training tensors."""
    mp3s = sorted(folder.glob("clip_*.mp3"))
    work = folder / who
    work.mkdir(exist_ok=True)
    start = time.perf_counter()
    X, Y = {"original": prepare_original, "ours": prepare_ours}[who](mp3s, work)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "tensor_bytes": X.nbytes + Y.nbytes,
        "examples": len(X),
    }


STEPS = ("original", "rfft", "rate", "batch", "width")  # each keeps the changes before it


def epoch(step: str, folder: Path) -> dict:
    """Measure one epoch of the original's network after the first changes of `STEPS`."""
    n_changes = STEPS.index(step)
    _, settings, _ = frame_model.load(MODEL)
    sr, block_length = (settings.sr, settings.block_length) if n_changes >= 2 else (44_100, 11_025)
    mp3s = sorted(folder.glob("clip_*.mp3"))
    frames = []
    for mp3 in mp3s:
        blocks = transforms.split_blocks(audio.load(mp3, sr=sr), block_length)
        if n_changes == 0:
            frames.append(np.array(original.transform(blocks), np.float32))
        else:
            frames.append(transforms.spectra_to_features(transforms.rfft_blocks(blocks)))
    X, Y = frame_model.concatenate_sequences(
        [frame_model.make_sequences(f, SEQ_LENGTH) for f in frames]
    )
    n_features, batch_size = X.shape[-1], 16 if n_changes >= 3 else 1
    if n_changes < 4:
        model = original.network(n_features)
    else:
        model = frame_model.build(settings, seed=0)
        model.compile("adam", "mae")
    model.train_on_batch(X[:batch_size], Y[:batch_size])  # builds the graph
    start = time.perf_counter()
    model.fit(X, Y, batch_size=batch_size, epochs=1, verbose=0)
    return {
        "seconds": time.perf_counter() - start,
        "peak_bytes": peak_bytes(),
        "sequences": len(X),
        "parameters": model.count_params(),
    }


def generate(who: str, folder: Path) -> dict:
    """Measure generation, from a seed of 10 s to samples, in seconds of sound a second."""
    rng = np.random.default_rng(0)
    weights, settings, _ = frame_model.load(MODEL)
    if who == "original":
        n_blocks, duration = 40, 40 * original.BLOCK_LENGTH / original.SR
        model = original.network()
        seed = rng.normal(size=(SEQ_LENGTH, 2 * original.BLOCK_LENGTH)).astype(np.float32)
        model.predict(seed[None, :1], verbose=0)
        start = time.perf_counter()
        original.to_int16(original.generate(model, seed, n_blocks) / 1e3)
    else:
        n_blocks, duration = 2400, 2400 * settings.block_length / settings.sr
        step = frame_model.stepper(weights)
        seed = rng.normal(size=(SEQ_LENGTH, settings.n_features)).astype(np.float32)
        start = time.perf_counter()
        _, generated = frame_model.compose(step, seed, n_blocks)
        spectra = transforms.features_to_spectra(generated)
        blocks = transforms.irfft_blocks(spectra, block_length=settings.block_length)
        audio.to_int16(np.clip(transforms.join_blocks(blocks, blocks.size), -1, 1))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "times_real_time": duration / seconds}


if __name__ == "__main__":
    task, variant, folder = sys.argv[1:]
    result = {"prepare": prepare, "epoch": epoch, "generate": generate}[task](variant, Path(folder))
    print(json.dumps(result))
