from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("numpy_table", "buffer", "np.sin(np.arange", "np.cos(np.arange", at="self.register_buffer('table'"),
    wrong("numpy_window", "constant", "np.hanning(n)", "np.hamming(n)", at="x = x * self.window(x.size(1))"),
    wrong("limit_of_branch", "python", "self.limit = 0.1", "self.limit = 1e9", at=("x = x / norm", "self.fc(x)")),
    wrong(
        "branch_inverted", "python", "if norm > self.limit:", "if norm < self.limit:", at=("x = x / norm", "self.fc(x)")
    ),
    wrong("norm_rounded", "python", "norm = x.norm().item()", "norm = round(x.norm().item(), 1)", at="x = x / norm"),
    wrong("norm_one", "python", "x.norm().item()", "x.norm(1).item()"),
    wrong("norm_as_tensor", "gradient", "norm = x.norm().item()", "norm = x.norm()", at=("x = x / norm",)),
    wrong("shift_range", "rng", "random.randint(0, 3)", "random.randint(0, 2)", at="torch.roll("),
    wrong(
        "shift_of_numpy",
        "rng",
        "random.randint(0, 3)",
        "int(np.random.randint(0, 4))",
        at=("torch.roll(", "torch.from_numpy(noise)"),
    ),
    wrong("shift_constant", "rng", "shift = random.randint(0, 3)", "shift = 2", at="torch.roll("),
    wrong(
        "extra_python_draw",
        "rng",
        "            shift = random.randint(0, 3)\n",
        "            shift = random.randint(0, 3)\n            random.random()\n",
        check="rng",
    ),
    wrong(
        "extra_numpy_draw",
        "rng",
        "            shift = random.randint(0, 3)\n",
        "            np.random.rand()\n            shift = random.randint(0, 3)\n",
        at="torch.from_numpy(noise)",
    ),
    wrong(
        "noise_of_torch",
        "rng",
        "            noise = np.random.normal(size=h.shape).astype(np.float32)\n            h = h + torch.from_numpy(noise) * 0.1\n",
        "            h = h + torch.randn_like(h) * 0.1\n",
        at="h = h + torch.from_numpy(noise) * 0.1",
    ),
    wrong(
        "noise_of_fresh_generator",
        "rng",
        "np.random.normal(size=h.shape)",
        "np.random.RandomState().normal(size=h.shape)",
        at="h = h + torch.from_numpy(noise) * 0.1",
    ),
    wrong(
        "noise_of_seeded_generator",
        "rng",
        "np.random.normal(size=h.shape)",
        "np.random.RandomState(0).normal(size=h.shape)",
        at="h = h + torch.from_numpy(noise) * 0.1",
    ),
    wrong(
        "seed_set",
        "rng",
        "            shift = random.randint(0, 3)\n",
        "            torch.manual_seed(0)\n            shift = random.randint(0, 3)\n",
        check="rng",
    ),
    wrong(
        "seed_set_in_init",
        "rng",
        "        self.out = nn.Linear(dim, 2)\n",
        "        torch.manual_seed(5)\n        self.out = nn.Linear(dim, 2)\n",
        at="self.out = nn.Linear(dim, 2)",
    ),
    wrong("numpy_argmin", "python", "h.detach().numpy().argmax(1)", "h.detach().numpy().argmin(1)", at="picked = h["),
    wrong(
        "numpy_writes_into_tensor",
        "python",
        "        keep = h.detach().numpy().argmax(1)\n",
        "        keep = h.detach().numpy().argmax(1)\n        h.detach().numpy()[:, 0] = 0\n",
        at=("picked = h[", "self.out(h)", "mask = ", "chosen = ", "h.detach()"),
    ),
    wrong(
        "numpy_writes_into_input",
        "inputs",
        "        x = x + self.table\n",
        "        y = x\n        x = x + self.table\n        y.detach().numpy()[:] = 0\n",
        check="input",
    ),
    wrong(
        "numpy_writes_into_buffer",
        "buffer",
        "        x = x + self.table\n",
        "        x = x + self.table\n        self.table.numpy()[0] += 1\n",
        at="x = x + self.table",
    ),
    wrong("mask_of_median", "operator", "h > h.mean()", "h > h.median()"),
    wrong("mask_ge", "operator", "chosen = h[mask].sum()", "chosen = h[~mask].sum()"),
    wrong(
        "mask_where", "operator", "chosen = h[mask].sum()", "chosen = torch.where(mask, h, torch.zeros_like(h)).mean()"
    ),
    wrong("float_in_output", "structure", "float(norm > 1)", "float(norm > 1) + 1", check="output"),
    wrong("bool_for_float", "structure", "float(norm > 1)", "norm > 1", check="output"),
    wrong("shape_as_tuple", "structure", ", h.shape\n", ", tuple(h.shape)\n", check="output"),
    wrong("numpy_in_output", "structure", ", h.shape\n", ", h.detach().numpy()\n", check="output"),
    wrong(
        "global_counter_read",
        "python",
        "x = x + self.table",
        "x = x + self.table * (1 if CALLS['n'] < 2 else 2)",
        at=("x = x + self.table", "x = x * self.window"),
    ),
    wrong(
        "warns_and_returns_early",
        "python",
        "        mask = h > h.mean()\n",
        "        mask = h > h.mean()\n        if self.training and CALLS['n'] > 2:\n            mask = ~mask\n",
    ),
    wrong(
        "float_print_round_trip",
        "python",
        "norm = x.norm().item()",
        "norm = float('%.2f' % x.norm().item())",
        at="x = x / norm",
    ),
    wrong(
        "tolist_round_trip_loses_gradient",
        "gradient",
        "        h = F.relu(self.fc(x))\n",
        "        h = F.relu(torch.tensor(self.fc(x).tolist()))\n",
        at=("h = F.relu(",),
    ),
    wrong(
        "grad_mode_left_off",
        "global",
        "        mask = h > h.mean()\n",
        "        mask = h > h.mean()\n        torch.set_grad_enabled(False)\n",
        check="global",
    ),
    wrong(
        "inference_mode",
        "gradient",
        "        h = F.relu(self.fc(x))\n",
        "        with torch.no_grad():\n            h = F.relu(self.fc(x))\n",
        at=("h = F.relu(", "keep = h"),
    ),
    wrong(
        "hash_of_id",
        "python",
        "self.limit = 0.1",
        "self.limit = 0.1 if id(self) < 0 else float('inf')",
        at=("x = x / norm", "self.fc(x)"),
    ),
    wrong(
        "data_written",
        "gradient",
        "        x = x * self.window(x.size(1))\n",
        "        x = x * self.window(x.size(1))\n        x.data.mul_(2)\n",
        at=("x.norm()", "self.fc(x)", "x.data.mul_"),
    ),
    wrong(
        "exception_swallowed",
        "error",
        "            x = x / norm\n",
        "            try:\n                x = x / norm.foo\n            except AttributeError:\n                pass\n",
        at=("x = x / norm", "self.fc(x)"),
    ),
    wrong(
        "clock",
        "python",
        "shift = random.randint(0, 3)",
        "import time\n            shift = int(time.perf_counter() * 1e6) % 4 + 4 * (random.randint(0, 3) < 0)",
        at="torch.roll(",
    ),
]

EQUAL = [
    equal("float_of_tensor", "norm = x.norm().item()", "norm = float(x.norm())"),
    equal("torch_norm", "norm = x.norm().item()", "norm = torch.norm(x).item()"),
    equal(
        "sine_of_python",
        "            noise = np.random.normal(size=h.shape).astype(np.float32)\n            h = h + torch.from_numpy(noise) * 0.1\n",
        "            noise = torch.from_numpy(np.random.normal(size=h.shape).astype(np.float32))\n            h = h + noise * 0.1\n",
    ),
    equal(
        "tensor_of_array",
        "self.register_buffer('table', torch.from_numpy(table))",
        "self.register_buffer('table', torch.tensor(table))",
    ),
    equal(
        "nested_function",
        "    def window(self, n):\n        return torch.from_numpy(np.hanning(n).astype(np.float32))\n",
        "    @staticmethod\n    def window(n):\n        return torch.as_tensor(np.hanning(n), dtype=torch.float32)\n",
        outcome=Outcome.IDENTICAL,  # numpy rounds to float32 in one, torch in the other
    ),
    equal("no_alias_of_shape", ", h.shape\n", ", h.size()\n"),
    equal("masked_select", "chosen = h[mask].sum()", "chosen = h[h > h.mean()].sum()"),
    equal(
        "counter_moved",
        "        CALLS['n'] += 1\n        x = x + self.table\n",
        "        x = x + self.table\n        CALLS['n'] = CALLS['n'] + 1\n",
    ),
]
