"""What CONTRIBUTING says of training on several devices, tried on two virtual ones."""

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
BEFORE = """
import numpy as np
import tensorflow as tf

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)

from helpers import note_model
from helpers.note_model import _bits
from tests import interrupted

settings = note_model.NoteModelSettings(
    hidden=8, keys=4, depth=2, critic=4, dense=8, dropout=0
)
words = np.stack([interrupted.music(k)[:24] for k in range(4)]).astype(np.int32)
batch = (words, np.ones((4, 24, 1), np.float32)), words[:, 1:]
seed, adam = 0, tf.keras.optimizers.SGD(0.1)  # plain gradient descent: a step is the gradient
dataset = tf.data.Dataset.from_tensors(batch)
"""
AFTER = """
alone = note_model.build(settings, seed=seed)
before = alone.get_weights()
alone.compile(tf.keras.optimizers.SGD(0.1), _bits, jit_compile=False)
expected = float(alone.train_on_batch(*batch))
assert n == 2, n
assert abs(float(loss) - expected) < 1e-3, (float(loss), expected)
for shared, single, weight in zip(model.get_weights(), alone.get_weights(), before):
    np.testing.assert_allclose(shared - weight, single - weight, atol=1e-5)
assert max(np.abs(a - b).max() for a, b in zip(before, model.get_weights())) > 1e-3  # it learnt
assert len(alone.predict_on_batch(batch[0])) == 4
assert len(model.predict_on_batch(batch[0])) == 8  # what doesn't work, as is said there
"""


def test_a_step_on_two_devices_is_that_of_one():
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(strategy = .*?)```", text, re.DOTALL)
    command = [sys.executable, "-c", BEFORE + lines + AFTER]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
