"""What could change bits and is not the code under test: pinned, seeded and described, the same on both sides.

`ENVIRONMENT` must be set before CUDA is initialised (`PYTHONHASHSEED` before the interpreter starts, by whoever starts
it). `pin` is called before and after each model is built, `seed` before each step of a case.
"""

from __future__ import annotations

import os
import platform
import random
from typing import Any

import torch

from . import UnsupportedError

try:  # now, for numpy loads it on first use, and a fresh generator takes its seed from the system
    import numpy.random as numpy_random
except ImportError:
    numpy_random = None  # type: ignore[assignment]

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # order of sets of strings
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS is deterministic only with a fixed workspace
    "TORCHDYNAMO_DISABLE": "1",  # compiled code promises no bits; what is compared is the source
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for a GPU must not spoil a process that forks later
}
SEED_LIMIT = 2**32  # numpy's


def pin(threads: int | None = None) -> None:
    """Fix all that is known to change bits between two runs of the same code on the same machine.

    Memory that the code leaves uninitialised is filled with NaN (torch's deterministic mode), so that it cannot differ
    by chance; an observer must therefore not take equal NaN for evidence.

    Args:
        threads: of the pool inside an operator; sums are split by it, so it must be equal on both
            sides. None leaves it.
    """
    os.environ.update(ENVIRONMENT)
    if threads is not None:
        torch.set_num_threads(threads)
    # not `torch.use_deterministic_algorithms`: that imports torch's compiler, 2 s, to tell it as well
    torch._C._set_deterministic_algorithms(True, warn_only=True)
    torch.set_grad_enabled(True)
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)
    matmul, cuda = torch.backends.cuda.matmul, torch.backends.cuda
    switches: tuple[tuple[Any, str, bool], ...] = (
        (torch.utils, "deterministic.fill_uninitialized_memory", True),
        (torch.backends.cudnn, "deterministic", True),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "allow_tf32", False),
        (matmul, "allow_tf32", False),
        (matmul, "allow_fp16_reduced_precision_reduction", False),
        (matmul, "allow_bf16_reduced_precision_reduction", False),
        (matmul, "allow_fp16_accumulation", False),
    )
    for owner, name, value in switches:
        _set(owner, name, value)
    # flash and memory-efficient attention sum in an order of their own, which they do not promise to keep
    for switch, on in (
        ("enable_math_sdp", True),
        ("enable_flash_sdp", False),
        ("enable_mem_efficient_sdp", False),
        ("enable_cudnn_sdp", False),
        ("allow_fp16_bf16_reduction_math_sdp", False),
    ):
        if hasattr(cuda, switch):
            getattr(cuda, switch)(on)


def _set(owner: Any, name: str, value: object) -> None:
    """Set a dotted attribute where this version of torch has it."""
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part, None)
    try:
        known = hasattr(owner, last)
    except AssertionError:  # how torch 1.13 says no
        known = False
    if known:
        setattr(owner, last, value)


def seed(value: int) -> None:
    """Seed the generators of Python, numpy and torch, on every device in use."""
    random.seed(value)
    if numpy_random is not None:
        numpy_random.seed(value % SEED_LIMIT)
    # not `torch.manual_seed`: that formats a stack trace for each kind of device that is not in use
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(value)


def generator_states() -> list[tuple[str, torch.Tensor | bytes]]:
    """Name and state of each generator that code under test can draw from."""
    states: list[tuple[str, torch.Tensor | bytes]] = [("python", repr(random.getstate()).encode())]
    if numpy_random is not None:
        name, keys, *rest = numpy_random.get_state()
        states.append(("numpy", memoryview(keys).tobytes() + repr((name, rest)).encode()))  # type: ignore[arg-type]
    states.append(("cpu", torch.get_rng_state()))
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states.extend((f"cuda:{i}", torch.cuda.get_rng_state(i)) for i in range(torch.cuda.device_count()))
    return states


def device(name: str = "auto") -> torch.device:
    """The device that a request means.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``: CUDA where there is one, else the CPU.

    Raises:
        UnsupportedError: the machine has no such device, or it is one whose bits nobody has checked (``mps``).
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind == "cpu" and not index:
        return torch.device("cpu")
    if kind != "cuda" or (index and not index.isdigit()):
        raise UnsupportedError(f"device `{name}` is not verified; use `cpu`, `cuda`, `cuda:N` or `auto`")
    if not torch.cuda.is_available():
        raise UnsupportedError(f"device `{name}` is not there: torch {torch.__version__} sees no CUDA device")
    if int(index or 0) >= torch.cuda.device_count():
        raise UnsupportedError(f"device `{name}` is not there: torch sees {torch.cuda.device_count()}")
    torch.cuda.init()  # type: ignore[no-untyped-call]  # so that `seed` reaches it
    return torch.device("cuda", int(index or 0))


def describe(where: torch.device) -> dict[str, Any]:
    """What a result was found with: ``python``, ``torch``, ``device`` (with its name) and ``threads``."""
    if where.type == "cuda":
        text = f"{where} ({torch.cuda.get_device_name(where)}, CUDA {torch.version.cuda})"
    else:
        text = f"cpu ({_processor()})"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": text,
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    """Name of the processor: kernels are chosen by it, so bits differ between two."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()
