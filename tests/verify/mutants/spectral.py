from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "norm_of_forward",
        "constant",
        "torch.fft.rfft(x * self.window, dim=-1, norm='ortho')",
        "torch.fft.rfft(x * self.window, dim=-1)",
    ),
    wrong("norm_of_inverse", "constant", "n=x.size(-1), dim=-1, norm='ortho')", "n=x.size(-1), dim=-1)"),
    wrong("window_not_periodic", "buffer", "periodic=True", "periodic=False"),
    wrong("hamming_window", "buffer", "torch.hann_window(n, periodic=True)", "torch.hamming_window(n, periodic=True)"),
    wrong("window_saved", "persistence", ", persistent=False)", ")", check="keys"),
    wrong("window_forgotten", "scale", "torch.fft.rfft(x * self.window,", "torch.fft.rfft(x,"),
    wrong("conjugated", "operands", "f[..., :self.modes], self.weight)", "f[..., :self.modes].conj(), self.weight)"),
    wrong("weight_transposed", "operands", "'bim,iom->bom'", "'bim,oim->bom'"),
    wrong("high_modes", "dim", "f[..., :self.modes]", "f[..., -self.modes:]"),
    wrong("imaginary_part", "operands", "low.real\n", "low.imag\n", check="output"),
    wrong("complex_output", "structure", "low.real\n", "low\n", check="output"),
    wrong("padded_in_front", "operands", "torch.cat([low, pad], -1)", "torch.cat([pad, low], -1)"),
    wrong("spectral_norm_lost", "norm", "spectral_norm(nn.Linear(width, 2))", "nn.Linear(width, 2)", at="self.head("),
    wrong(
        "power_iterations",
        "norm",
        "spectral_norm(nn.Linear(width, 2))",
        "spectral_norm(nn.Linear(width, 2), n_power_iterations=2)",
        at="self.head(",
    ),
    wrong(
        "spectral_norm_eps",
        "norm",
        "spectral_norm(nn.Linear(width, 2))",
        "spectral_norm(nn.Linear(width, 2), eps=1e-3)",
        at=("self.head(", "spectral_norm("),
    ),
    wrong(
        "weight_of_two_reals",
        "dtype",
        "torch.randn(width, width, modes, dtype=torch.cfloat)",
        "torch.view_as_complex(torch.randn(width, width, modes, 2))",
        at="self.weight = ",
    ),
    wrong("weight_in_double", "dtype", "dtype=torch.cfloat", "dtype=torch.cdouble", at="self.weight = "),
    wrong("gelu_before_sum", "operands", "F.gelu(y + self.mix(x))", "F.gelu(y) + self.mix(x)"),
    wrong("max_over_time", "operator", "x.mean(2)", "x.amax(2)"),
    wrong("mix_of_result", "operands", "F.gelu(y + self.mix(x))", "F.gelu(y + self.mix(y))"),
]

EQUAL = [
    equal("gelu_module", "F.gelu(y + self.mix(x))", "nn.GELU()(y + self.mix(x))"),
    equal("mean_by_name", "x.mean(2)", "x.mean(dim=-1)"),
    equal("real_function", "low.real\n", "torch.real(low)\n"),
    equal(
        "new_zeros",
        "torch.zeros(f.size(0), f.size(1), f.size(2) - self.modes, dtype=f.dtype)",
        "f.new_zeros(f.size(0), f.size(1), f.size(2) - self.modes)",
    ),
    equal("narrow", "f[..., :self.modes]", "f[:, :, :self.modes]"),
]
