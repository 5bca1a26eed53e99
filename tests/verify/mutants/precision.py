from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("table_in_float", "dtype", "dtype=torch.float64", "dtype=torch.float32", check="keys"),
    wrong("product_in_float", "dtype", "(x.double() * self.table).float()", "(x * self.table.float())"),
    wrong(
        "autocast_lost",
        "autocast",
        "        with torch.autocast('cpu', dtype=torch.bfloat16):\n            g = self.gate(h)\n",
        "        g = self.gate(h)\n",
        at=("g = self.gate(h)", "self.gate(h)"),
    ),
    wrong(
        "autocast_disabled",
        "autocast",
        "torch.autocast('cpu', dtype=torch.bfloat16)",
        "torch.autocast('cpu', dtype=torch.bfloat16, enabled=False)",
        at="g = self.gate(h)",
    ),
    wrong(
        "autocast_half",
        "autocast",
        "torch.autocast('cpu', dtype=torch.bfloat16)",
        "torch.autocast('cpu', dtype=torch.float16)",
        at="g = self.gate(h)",
    ),
    wrong(
        "autocast_covers_more",
        "autocast",
        "        h = h * w + torch.sigmoid(g.float())\n        q",
        "        with torch.autocast('cpu', dtype=torch.bfloat16):\n            h = h * w + torch.sigmoid(self.gate(h).float())\n        q",
    ),
    wrong("sigmoid_in_half", "dtype", "torch.sigmoid(g.float())", "torch.sigmoid(g).float()"),
    wrong(
        "softmax_in_double",
        "dtype",
        "F.softmax(h, dim=-1, dtype=torch.float32).type_as(h)",
        "F.softmax(h, dim=-1, dtype=torch.float64).type_as(h)",
    ),
    wrong("round_trip_through_half", "dtype", "return self.out(h), g", "return self.out(h.half().float()), g"),
    wrong("round_trip_through_bfloat16", "dtype", "h = self.proj(x)\n", "h = self.proj(x).bfloat16().float()\n"),
    wrong("output_in_double", "dtype", "return self.out(h), g", "return self.out(h).double(), g", check="output"),
    wrong("output_cast", "dtype", "return self.out(h), g", "return self.out(h), g.float()", check="output"),
    wrong(
        "default_dtype_changed",
        "default-dtype",
        "        self.proj = nn.Linear(dim, dim)\n",
        "        torch.set_default_dtype(torch.float64)\n        torch.set_default_dtype(torch.float32)\n        self.proj = nn.Linear(dim, dim).double().float() if dim < 0 else nn.Linear(dim, dim, dtype=torch.float64)\n",
        at=("nn.Linear(dim, dim", "self.proj(x)"),
    ),
    wrong(
        "default_dtype_left_changed",
        "default-dtype",
        "        self.gate = nn.Linear(dim, dim)\n",
        "        torch.set_default_dtype(torch.float64)\n        self.gate = nn.Linear(dim, dim)\n",
        at=("self.gate = nn.Linear", "self.out = nn.Linear", "nn.Linear("),
    ),
    wrong(
        "default_dtype_changed_in_forward",
        "default-dtype",
        "        q = (h * 4).round() / 4\n",
        "        torch.set_default_dtype(torch.float64)\n        q = (h * 4).round() / 4 + torch.zeros(1).float() * 0\n",
        at=("q = (h * 4)",),
    ),
    wrong(
        "default_dtype_at_the_end",
        "default-dtype",
        "        self.register_buffer('table'",
        "        torch.set_default_dtype(torch.float64)\n        self.register_buffer('table'",
        check="global",
    ),
    wrong("floor_for_round", "operator", "(h * 4).round() / 4", "(h * 4).floor() / 4"),
    wrong("straight_through_lost", "gradient", "h = h + (q - h).detach()", "h = q", at=("return self.out(h), g",)),
    wrong(
        "straight_through_doubled",
        "gradient",
        "h = h + (q - h).detach()",
        "h = 2 * h - h.detach() + (q - h).detach()",
        at=("h = 2 * h",),
    ),
]

EQUAL = [
    equal("to_for_float", "(x.double() * self.table).float()", "(x.to(torch.float64) * self.table).to(torch.float32)"),
    equal(
        "autocast_class",
        "torch.autocast('cpu', dtype=torch.bfloat16)",
        "torch.amp.autocast('cpu', dtype=torch.bfloat16)",
    ),
    equal(
        "autocast_keyword",
        "torch.autocast('cpu', dtype=torch.bfloat16)",
        "torch.autocast(device_type='cpu', enabled=True, dtype=torch.bfloat16)",
    ),
    equal("no_cast_of_float", "dtype=torch.float32).type_as(h)", "dtype=torch.float32)"),
    equal("torch_round", "(h * 4).round() / 4", "torch.round(h * 4) / 4"),
]
