import json
import os
import subprocess
import sys

import pytest

import tasks
from tests import portable

SSE4, AVX2, AVX512 = portable.PROCESSORS.values()


@pytest.mark.parametrize(
    ("processor", "able", "disabled"),
    [
        (SSE4, {"X86_V2", "X86_V3", "X86_V4"}, "X86_V3 X86_V4"),
        (SSE4, {"X86_V2"}, ""),
        (AVX2, {"X86_V2", "X86_V3", "X86_V4", "AVX512_ICL"}, "AVX512_ICL X86_V4"),
        (AVX2, {"X86_V2", "X86_V3"}, ""),
        (AVX512, {"X86_V2", "X86_V3", "X86_V4", "AVX512_SPR"}, "AVX512_SPR"),
    ],
)
def test_numpy_is_told_to_leave_out_what_the_processor_lacks(processor, able, disabled):
    assert portable.variables(processor, able)["NPY_DISABLE_CPU_FEATURES"] == disabled


@pytest.mark.parametrize(
    ("processor", "able"), [(SSE4, {"NEON"}), (AVX2, {"X86_V2"}), (AVX512, {"X86_V2", "X86_V3"})]
)
def test_what_this_machine_cannot_act_is_skipped(processor, able):
    result = portable.run_as(processor, able)
    assert result == f"skipped: this processor lacks {processor.levels[-1]}"


@pytest.mark.skipif("X86_V2" not in portable.able(), reason="acts processors of this kind alone")
def test_numpy_does_as_it_is_told():
    told = portable.variables(SSE4, portable.able())
    code = "import json; from tests import portable; print(json.dumps(list(portable.able())))"
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(
        command, env=os.environ | told, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == ["X86_V2"]


def test_a_difference_is_reported_and_the_environment_restored(monkeypatch, capsys):
    def run(*arguments):
        seen.append((os.environ["OPENBLAS_CORETYPE"], "-n" in arguments))
        if seen[-1][0] == "NEHALEM":
            sys.exit(1)

    seen = []
    monkeypatch.setattr(portable, "able", lambda: {"X86_V2", "X86_V3"})
    monkeypatch.setattr(tasks, "run", run)
    before = dict(os.environ)
    assert portable.main() == 1
    assert seen == [("NEHALEM", True), ("HASWELL", False)]
    lines = capsys.readouterr().out.splitlines()[-3:]
    results = [line.rsplit("  ", 1)[1].strip() for line in lines]
    assert results == ["different", "the same", "skipped: this processor lacks X86_V4"]
    assert dict(os.environ) == before
