import hashlib
from collections import Counter

import numpy as np
import pytest

from data.build import verse as build
from helpers import files, frame_model, verse

POEMS = [
    f"the {a} is {b},\nand so am i;\nthe {b} was {a},\nand so shall die." * 3
    for a in ("day", "night", "sea", "sky", "rose", "wind", "bird", "sun")
    for b in ("long", "red", "cold", "deep", "young")
]
ALPHABET = verse.alphabet_of(POEMS, least=1)
SMALL = verse.VerseSettings(ALPHABET, hidden=16, embedding=8, dense=12)
COUNTS = verse.count(POEMS, ALPHABET)


def small_weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = verse.weight_shapes(SMALL)
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


MODEL = verse.Model(small_weights(), SMALL, COUNTS)


def test_poems_are_read_without_titles(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text(
        "# One\nA line\nanother\n\na stanza\n\n\n# Two\nB\n \n\u00a0\nno title\n", "utf-8"
    )
    assert verse.read_poems(path) == ["A line\nanother\n\na stanza", "B", "no title"]


def test_a_file_without_poems_is_named(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n# Only a title\n", "utf-8")
    with pytest.raises(ValueError, match=r"empty\.txt must hold at least 1 poem"):
        verse.read_poems(tmp_path / "empty.txt")


def test_what_is_no_text_is_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"sch\xf6n")
    with pytest.raises(ValueError, match=r"latin\.txt: byte 3 is not UTF-8"):
        verse.read_poems(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty must hold a file \*\.txt, got none"):
        verse.read_poems(tmp_path / "empty")
    with pytest.raises(ValueError, match="no character occurs 50 times in 1 poems"):
        verse.alphabet_of(["few words"])
    with pytest.raises(ValueError, match="at most 127 characters, got 128"):
        verse.count(["a"], verse.PAGE + "".join(map(chr, range(97, 97 + 127))))


def test_folding_is_plain_and_done_once():
    folded = verse.fold("\u201cO\u2019er\u201d  the\u2014Sea \n\n\n\n And\t_me_")
    assert folded == "o'er the-sea\n\nand me" == verse.fold(folded)


def test_a_split_keeps_every_poem_and_depends_on_none_but_its_own_kin():
    poems = [hashlib.sha256(bytes([k])).hexdigest() for k in range(200)]
    parts = verse.split(poems)
    assert sorted([*parts[0], *parts[1], *parts[2]]) == sorted(poems)
    assert [len(part) > 8 for part in parts] == [True] * 3
    fewer = verse.split(poems[:100])
    assert all(set(few) <= set(part) for few, part in zip(fewer, parts, strict=True))


def test_poems_that_share_a_run_go_to_one_side():
    for n_shared, together in ((10, True), (9, False)):
        shared = " ".join(f"word{k}" for k in range(n_shared))
        kin = [f"poem {k} begins with {k}, {shared}, {k} ends it" for k in range(40)]
        assert (max(map(len, verse.split(kin))) == len(kin)) == together


def test_unknown_characters_are_left_out():
    codes = verse.encode("The 7 d\u00e9ys", ALPHABET)
    assert "".join(ALPHABET[k] for k in codes) == "the  dys"


def judged(counts: verse.Counts, poems: list[str], way: int = 0) -> float:
    rows = np.concatenate([verse.windows(poem, ALPHABET) for poem in poems])
    p = counts.expect(rows[:, :-1]).reshape(len(rows), 2, -1)[:, way]
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p > 0).all()
    return float(-np.log2(p[np.arange(len(rows)), rows[:, -1]]).mean())


@pytest.mark.parametrize(("way", "order"), [(0, verse.SHORT), (1, verse.ORDER)])
def test_counts_are_those_of_a_dictionary(way, order):
    """Chen and Goodman's formulas, run by run, as notebook 10 writes them."""

    def chance(before: str, c: str) -> float:
        p = 1 / len(ALPHABET)
        for counts, sums, less in tables:
            context = before[len(before) - len(next(iter(counts))) + 1 :]
            if context in sums:
                total, away = sums[context]
                seen = counts.get(context + c, 0)
                p = (seen - less[min(seen, 3)] + away * p) / total
        return p

    text = [verse.PAGE * order + verse.fold(poem) + verse.PAGE for poem in POEMS]
    runs = [page[i : i + order + 1] for page in text for i in range(len(page) - order)]
    tables = []
    while runs[0]:
        counts, less = Counter(runs), [0.0] * 4
        if way == 0:
            n = [0, *(max(1, sum(k == m for m in counts.values())) for k in (1, 2, 3, 4))]
            y = n[1] / (n[1] + 2 * n[2])
            less = [0, *(min(k, max(0.1, k - (k + 1) * y * n[k + 1] / n[k])) for k in (1, 2, 3))]
        sums: dict[str, tuple[float, float]] = {}
        for run, seen in counts.items():
            total, away = sums.get(run[:-1], (0, 0.0))
            if way == 0:
                sums[run[:-1]] = total + seen, away + less[min(seen, 3)]
            else:
                sums[run[:-1]] = total + seen + verse.STRENGTH, away + verse.STRENGTH
        tables.insert(0, (counts, sums, less))
        runs = [run[1:] for run in (runs if way else counts)]
    for before in ("by the sea", "the day is", "wind\nand the", "xqz-k of it was", "kkk ggg uuu"):
        codes = verse.encode(before, ALPHABET)[-verse.ORDER :]
        kept = "".join(ALPHABET[k] for k in codes)
        assert len(codes) == verse.ORDER
        p = COUNTS.expect(codes[None]).reshape(2, -1)[way]
        np.testing.assert_allclose(p, [chance(kept, c) for c in ALPHABET], rtol=1e-9)


@pytest.mark.parametrize("way", [0, 1])
def test_counting_helps_most_with_what_was_counted(way):
    half = verse.count(POEMS[::2], ALPHABET)
    known, other = judged(half, POEMS[::2], way), judged(half, POEMS[1::2], way)
    assert known < other < np.log2(len(ALPHABET)) / 2
    with pytest.raises(ValueError, match="one at least to be counted"):
        verse.count([], ALPHABET)


def test_what_is_heard_was_counted_elsewhere():
    heard = verse.hear(POEMS, ALPHABET)
    assert len(heard) == len(POEMS)
    ids, counted = heard[1]  # the poems of each tenth stand together: the second is POEMS[10]
    np.testing.assert_array_equal(ids[1:], verse.encode(POEMS[10], ALPHABET))
    others = verse.count([poem for k, poem in enumerate(POEMS) if k % 10], ALPHABET)
    rows = verse.windows(POEMS[10], ALPHABET)
    np.testing.assert_allclose(10**counted, others.expect(rows[:, :-1]), rtol=1e-4)
    with pytest.raises(ValueError, match="two at least without counts, got 1"):
        verse.hear(POEMS[:1], ALPHABET)
    known = verse.hear(POEMS[:2], ALPHABET, COUNTS)[1][1]
    rows = verse.windows(POEMS[1], ALPHABET)
    np.testing.assert_allclose(10**known, COUNTS.expect(rows[:, :-1]), rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphabet": "abc"}, "alphabet must begin with PAGE"),
        ({"alphabet": verse.PAGE}, "hold other characters"),
        ({"alphabet": verse.PAGE + "aa"}, "each once"),
        ({"hidden": 0}, "sizes must be at least 1"),
        ({"dropout": 1.0}, "from 0 to below 1"),
    ],
)
def test_settings_that_make_no_network(change, message):
    with pytest.raises(ValueError, match=message):
        verse.VerseSettings(**{"alphabet": ALPHABET, **change})


def test_probabilities_add_up_and_rows_are_independent():
    logp, state = MODEL.start("the sea")
    np.testing.assert_allclose(np.exp(logp).sum(), 1, rtol=1e-5)
    assert logp.dtype == np.float32
    codes = verse.encode("abd", ALPHABET)
    together, after = MODEL.step(codes, verse.pick(state, [0, 0, 0]))
    for k, code in enumerate(codes):
        alone, one = MODEL.step([code], state)
        np.testing.assert_allclose(together[k : k + 1], alone, atol=1e-5)
        np.testing.assert_allclose(verse.pick(after, [k])[1], one[1], atol=1e-5)


def test_bits_are_those_of_the_steps():
    bits = verse.bits(MODEL, "the sea\n")
    codes = [*verse.encode("the sea", ALPHABET), 0]
    logp, _ = MODEL.start("the")
    assert len(bits) == len(codes) == 8
    np.testing.assert_allclose(bits[3], -logp[0, codes[3]] / np.log(2), rtol=1e-5)


def test_a_saved_network_comes_back_rounded(tmp_path):
    path = verse.save(tmp_path / "verse.npz", MODEL)
    back = verse.load(path)
    assert back.settings == SMALL
    rows = verse.windows("\n".join(POEMS[:2]), ALPHABET)[:, :-1]
    np.testing.assert_array_equal(back.counts.expect(rows), COUNTS.expect(rows))
    for name, weight in MODEL.weights.items():
        np.testing.assert_allclose(back.weights[name], weight, atol=1e-3)
        assert back.weights[name].dtype == np.float32
    path.write_bytes(b"")
    with pytest.raises(files.FormatError, match="run notebook 10"):
        verse.load(path)


def test_keras_and_numpy_agree():
    model = build.build(SMALL, batch_size=2)
    assert {k: v.shape for k, v in frame_model.weights_of(model).items()} == verse.weight_shapes(
        SMALL
    )
    frame_model.set_weights(model, MODEL.weights)
    ((ids, counted),) = verse.hear(POEMS[:1], ALPHABET, COUNTS)
    halves = [
        [np.stack([part[a:b]] * 2) for part in (ids, counted)] for a, b in ((0, 25), (25, 60))
    ]
    logits = np.concatenate([model(half, training=False) for half in halves], axis=1)
    logp, state = MODEL.start()
    for t in range(60):
        expected = logits[1, t] - np.logaddexp.reduce(logits[1, t])
        np.testing.assert_allclose(logp[0], expected, atol=1e-4)
        if t < 59:
            logp, state = MODEL.step(ids[t + 1 : t + 2], state)


def test_training_learns_repeatably_and_keeps_the_best():
    counts = verse.count(POEMS[:30], ALPHABET)
    heard = verse.hear(POEMS[:30], ALPHABET), verse.hear(POEMS[30:], ALPHABET, counts)

    def run() -> tuple[frame_model.History, dict[str, np.ndarray]]:
        model = build.build(SMALL, batch_size=4, seed=3)
        history = build.train(model, *heard, steps=40, steps_per_epoch=20, n_characters=16)
        return history, frame_model.weights_of(model)

    (history, weights), (_, again) = run(), run()
    assert history.validation_loss[-1] < history.validation_loss[0] < np.log2(len(ALPHABET))
    assert all((weights[name] == again[name]).all() for name in weights)
    trained = verse.Model(weights, SMALL, counts)
    measured = np.concatenate([verse.bits(trained, poem) for poem in POEMS[30:]]).mean()
    np.testing.assert_allclose(measured, history.validation_loss.min(), rtol=0.05)


def test_without_an_lstm_only_the_last_character_is_heard():
    model = build.build(SMALL, batch_size=1, lstm=False)
    ids, counted = verse.hear(POEMS[:1], ALPHABET, COUNTS)[0]
    alone = model([ids[None, 9:10], counted[None, 9:10]])
    np.testing.assert_allclose(model([ids[None], counted[None]])[:, 9:10], alone, atol=1e-5)
    heard = verse.hear(POEMS, ALPHABET)
    history = build.train(
        build.build(SMALL, batch_size=4, lstm=False), heard, heard, steps=4, n_characters=16
    )
    assert np.isfinite(history.validation_loss).all()


def test_too_few_poems_ask_for_more():
    model, heard = build.build(SMALL, batch_size=4), verse.hear(POEMS, ALPHABET)
    with pytest.raises(ValueError, match="validation poems must have more than 128 characters"):
        build.train(model, heard, verse.hear(["short"], ALPHABET, COUNTS))
