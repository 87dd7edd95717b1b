"""Run every notebook as other processors would compute it: `make test-portable`.

A library chooses its code by what the processor can do, and its last digits follow. Environment
variables make it choose as on a lesser processor. What they can't change is compiled in.
"""

import os
import sys
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__, __cpu_features__

import tasks


@dataclass(frozen=True)
class Processor:
    """A processor to act, and how libraries are told to."""

    levels: tuple[str, ...]  # NumPy's names of what it has; whoever acts it must have the last
    told: dict[str, str]


PROCESSORS = {
    "SSE4, one thread": Processor(
        levels=("X86_V2",),
        told={
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-AVX512F",
            "OPENBLAS_CORETYPE": "NEHALEM",
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "OMP_NUM_THREADS": "1",
        },
    ),
    "AVX2, two threads": Processor(
        levels=("X86_V2", "X86_V3"),
        told={
            "OPENBLAS_CORETYPE": "HASWELL",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OMP_NUM_THREADS": "2",
        },
    ),
    "AVX-512, one thread": Processor(
        levels=("X86_V2", "X86_V3", "X86_V4"),
        told={
            "OPENBLAS_CORETYPE": "SKYLAKEX",
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
            "OMP_NUM_THREADS": "1",
        },
    ),
}


def main() -> int:
    """Run the notebooks as each processor that this one can act; return 1 if an output differs."""
    results = {name: run_as(processor, able()) for name, processor in PROCESSORS.items()}
    print(f"\nNumPy {np.__version__}, on a processor with {', '.join(sorted(able()))}:")
    for name, result in results.items():
        print(f"{name:22}{result}")
    if all(result.startswith("skipped") for result in results.values()):
        print("Nothing was compared: this machine can act none of them.")
        return 1
    return int("different" in results.values())


def able() -> set[str]:
    """Return NumPy's names of what this processor can do."""
    return {name for name in __cpu_baseline__ + __cpu_dispatch__ if __cpu_features__[name]}


def run_as(processor: Processor, able: set[str]) -> str:
    """Run the notebooks as one processor, and say how it went."""
    told = variables(processor, able)
    if told is None:
        return f"skipped: this processor lacks {processor.levels[-1]}"
    parallel = tasks.PARALLEL if told["OMP_NUM_THREADS"] == "1" else ()
    try:
        with patch.dict(os.environ, told):
            tasks.pytest("-q", *parallel, *tasks.NOTEBOOKS, "notebooks")
    except SystemExit:
        return "different"
    return "the same"


def variables(processor: Processor, able: set[str]) -> dict[str, str] | None:
    """Return the environment that makes libraries compute as a processor does.

    Parameters
    ----------
    processor : Processor
    able : set of str
        NumPy's names of what this machine can do.

    Returns
    -------
    dict or None
        None if this machine can't act it.
    """
    if processor.levels[-1] not in able:
        return None
    disabled = sorted(able - set(processor.levels))
    return processor.told | {"NPY_DISABLE_CPU_FEATURES": " ".join(disabled)}


if __name__ == "__main__":
    sys.exit(main())
