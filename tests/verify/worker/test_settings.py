import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from _modfix_worker import UnsupportedError, settings

IMPORTS = f"""
import sys
sys.path.insert(0, {str(Path(settings.__file__).parents[3])!r})
from modfix.verify.worker import settings
before = set(sys.modules)
settings.pin(1)
settings.seed(1)
settings.generator_states()
assert set(sys.modules) == before, set(sys.modules) - before
"""


@pytest.fixture(autouse=True)
def _restore():
    threads, states = torch.get_num_threads(), (random.getstate(), torch.get_rng_state())
    yield
    torch.set_num_threads(threads)
    random.setstate(states[0])
    torch.set_rng_state(states[1])


def test_pin_sets_everything():
    settings.pin(1)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.isnan(torch.empty(1000)).all(), "uninitialised memory is filled"
    assert torch.get_num_threads() == 1
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    assert not torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.math_sdp_enabled()
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.slow  # a second process that imports torch
def test_imports_nothing_on_its_way():
    """Each case runs in a fork: what is imported there is imported for each (torch's own switches load its compiler)."""
    subprocess.run([sys.executable, "-W", "error", "-c", IMPORTS], check=True)


def test_seeds_repeat_every_generator():
    numpy = pytest.importorskip("numpy")

    def draw():
        settings.seed(7)
        return random.random(), float(numpy.random.rand()), torch.rand(2).tolist()

    assert draw() == draw()


@pytest.mark.parametrize("draw", [random.random, torch.seed, getattr(settings.numpy_random, "rand", random.random)])
def test_states_tell_every_draw(draw):
    settings.seed(7)
    before = {name: bytes(state) for name, state in _plain(settings.generator_states())}
    draw()
    after = {name: bytes(state) for name, state in _plain(settings.generator_states())}
    assert [name for name in before if before[name] != after[name]], "a draw changes a state"
    assert len([name for name in before if before[name] != after[name]]) == 1


def _plain(states):
    return [(name, state.tolist() if isinstance(state, torch.Tensor) else state) for name, state in states]


def test_devices():
    assert settings.device("cpu") == torch.device("cpu")
    assert settings.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["mps", "cuda:x", "cpu:0", "", "cuda:99"])
def test_a_device_that_is_not_verified_is_refused(name):
    with pytest.raises(UnsupportedError, match="device"):
        settings.device(name)


def test_describes_what_a_result_was_found_with():
    settings.pin(1)
    found = settings.describe(torch.device("cpu"))
    assert found["torch"] == torch.__version__
    assert found["threads"] == 1
    assert found["device"].startswith("cpu (")
