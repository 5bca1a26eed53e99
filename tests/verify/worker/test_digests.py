import itertools
import warnings

import pytest
import torch
from _modfix_worker import digests

BASE = torch.arange(1.0, 13).view(3, 4)
MASK = (1 << 64) - 1


def _values():
    complex_ = torch.view_as_complex(torch.randn(4, 2, generator=torch.Generator().manual_seed(1)))
    yield from {
        "float32": BASE,
        "transposed": BASE.t().contiguous(),
        "flat": BASE.flatten(),
        "bfloat16": BASE.bfloat16(),
        "float64": BASE.double(),
        "int64": BASE.long(),
        "int8": BASE.to(torch.int8),
        "bool": BASE > 3,
        "complex": complex_,
        "conjugate": complex_.conj().resolve_conj(),
        "zero": torch.zeros(3),
        "negative zero": torch.tensor([0.0, -0.0, 0.0]),
        "two negative zeros": torch.tensor([0.0, -0.0, -0.0]),
        "empty": torch.zeros(0, 3),
        "empty, other way": torch.zeros(3, 0),
        "scalar": torch.tensor(1.0),
        "one": torch.tensor([1.0]),
        "nan": torch.tensor([float("nan")]),
        "other nan": torch.tensor([0x7FC00001], dtype=torch.int32).view(torch.float32),
        "ones": torch.ones(2),
        "twos": torch.full((2,), 2.0),
        "sparse": BASE.to_sparse(),
        "csr": BASE.to_sparse_csr(),
        "quantised": torch.quantize_per_tensor(BASE, 0.1, 0, torch.quint8),
        "other zero point": torch.quantize_per_tensor(BASE, 0.1, 1, torch.quint8),
        "per channel": torch.quantize_per_channel(BASE, torch.ones(3), torch.zeros(3).long(), 0, torch.quint8),
        "nested": torch.nested.nested_tensor([BASE[0], BASE[0, :2]]),
        "nested otherwise": torch.nested.nested_tensor([BASE[0, :2], BASE[0]]),
        "meta": torch.empty(3, device="meta"),
    }.items()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # beta layouts
    VALUES = dict(_values())


def test_everything_that_differs_has_another_digest():
    found = dict(zip(VALUES, digests.digest_all(list(VALUES.values())), strict=True))
    for one, two in itertools.combinations(found, 2):
        assert found[one] != found[two], (one, two)


@pytest.mark.parametrize("name", VALUES)
def test_a_copy_has_the_same_digest(name):
    assert digests.digest(VALUES[name].clone()) == digests.digest(VALUES[name])


def test_views_have_the_digest_of_what_they_show():
    wide = torch.arange(24.0).view(3, 8)
    assert digests.digest(wide[:, ::2]) == digests.digest(wide[:, ::2].contiguous())
    assert digests.digest(BASE.t().t()) == digests.digest(BASE)
    assert digests.digest(torch.ones(1).expand(5)) == digests.digest(torch.ones(5))
    assert digests.digest(VALUES["complex"].conj()) == digests.digest(VALUES["conjugate"])
    part = VALUES["complex"].conj().imag  # a view that is negated lazily
    assert digests.digest(part) == digests.digest(part.clone())
    image = torch.randn(2, 3, 4, 4)
    assert digests.digest(image.to(memory_format=torch.channels_last)) == digests.digest(image)


def test_gradients_and_parameters_do_not_matter():
    assert digests.digest(torch.nn.Parameter(BASE)) == digests.digest(BASE)


@pytest.mark.skipif(not hasattr(torch, "float8_e4m3fn"), reason="torch 2.1")
def test_eight_bit_floats():
    value = BASE.to(torch.float8_e4m3fn)
    assert digests.digest(value.t()) == digests.digest(value.t().contiguous())
    assert digests.digest(value) != digests.digest(BASE.to(torch.float8_e5m2))


def test_one_flipped_bit_anywhere_changes_it():
    value = torch.randn(257)
    before = digests.digest(value)
    for position, bit in ((0, 0), (1, 31), (128, 22), (256, 31)):
        changed = value.clone()
        changed.view(torch.int32)[position] ^= -(1 << 31) if bit == 31 else 1 << bit
        assert digests.digest(changed) != before


def test_other_values_are_told_by_their_text():
    assert digests.digest(3.5) == "3.5"
    assert digests.digest(None) == "None"
    assert digests.digest(object()) == digests.digest(object()), "addresses do not count"
    assert digests.digest("a" * 999) != digests.digest("a" * 998 + "b")
    numpy = pytest.importorskip("numpy")
    assert digests.digest(numpy.ones(3)) != digests.digest(numpy.ones(3, dtype="float32"))


def test_a_subclass_does_not_see_it():
    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise AssertionError("called")

    assert digests.digest(BASE.as_subclass(Loud)) == digests.digest(BASE)


# -- the fold, which other devices than the CPU compute -----------------------------------------------------------------


def _splitmix(index):
    mixed = index * 0x9E3779B97F4A7C15 & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


def test_the_fold_is_what_its_docstring_says():
    words = torch.tensor([5, -7, 2**31 - 1, -(2**31)], dtype=torch.int32)
    chunk = 16
    expected = [
        sum(_splitmix(1 + start + i) * word for i, word in enumerate(words.tolist())) & MASK for start in (0, chunk)
    ]
    assert [value & MASK for value in digests.fold(words, chunk).tolist()] == expected


DENSE = {  # the others are taken apart before they are folded
    name: value
    for name, value in VALUES.items()
    if value.layout == torch.strided and not (value.is_quantized or value.is_meta or value.is_nested)
}


def test_the_fold_sees_what_the_hash_sees():
    for one, two in itertools.combinations(DENSE, 2):
        if DENSE[one].dtype == DENSE[two].dtype and DENSE[one].shape == DENSE[two].shape and DENSE[one].numel():
            assert not torch.equal(digests.fold(DENSE[one], 8), digests.fold(DENSE[two], 8)), (one, two)
    for name, value in DENSE.items():
        assert torch.equal(digests.fold(value, 8), digests.fold(value.clone(), 8)), name


@pytest.mark.parametrize("chunk", [8, 24, 1 << 20])
def test_the_fold_has_no_blind_spot_for_constants_permutations_and_signs(chunk):
    value = torch.randn(64, generator=torch.Generator().manual_seed(0))
    changed = [
        value.flip(0),
        value.roll(1),
        torch.cat([value[32:], value[:32]]),
        value.neg(),
        torch.where(torch.arange(64) % 2 == 1, -value, value),  # signs in the upper halves of 64-bit words
        torch.where((torch.arange(64) == 1) | (torch.arange(64) == 3), -value, value),
        *(torch.full((64,), number) for number in (0.0, -0.0, 1.0, 2.0)),
    ]
    folds = [tuple(digests.fold(one, chunk).tolist()) for one in [value, *changed]]
    assert len(set(folds)) == len(folds)


def test_random_single_changes_never_collide():
    generator = torch.Generator().manual_seed(3)
    value = torch.randn(1000, generator=generator)
    seen = {tuple(digests.fold(value, 128).tolist())}
    for step in range(300):
        changed = value.clone()
        position = int(torch.randint(1000, (1,), generator=generator))
        changed.view(torch.int32)[position] ^= 1 << int(torch.randint(31, (1,), generator=generator))
        if step % 2:
            changed.view(torch.int32)[(position + 1) % 1000] ^= -(1 << 31)
        seen.add(tuple(digests.fold(changed, 128).tolist()))
    assert len(seen) > 290, "as many as there were different changes"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_folds_like_the_cpu():
    for value in (BASE, torch.randn(1 << 21), BASE.bfloat16(), BASE > 3):
        assert torch.equal(digests.fold(value.cuda()).cpu(), digests.fold(value))
    assert digests.digest(BASE.cuda()) == digests.digest(BASE.cuda().clone())
