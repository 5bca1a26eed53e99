from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("straight_through_not_clipped", "backward", "return grad * (x.abs() <= 1).float()", "return grad"),
    wrong("clipped_elsewhere", "backward", "(x.abs() <= 1).float()", "(x.abs() <= 0.1).float()"),
    wrong("clip_strict", "backward", "(x.abs() <= 1).float()", "(x.abs() < 0.2).float()"),
    wrong("gradient_not_reversed", "backward", "return grad.neg() * ctx.lambd, None", "return grad * ctx.lambd, None"),
    wrong("reversal_not_scaled", "backward", "return grad.neg() * ctx.lambd, None", "return grad.neg(), None"),
    wrong(
        "lambda_changed", "backward", "self.lambd = 0.5", "self.lambd = 1.0", at="return grad.neg() * ctx.lambd, None"
    ),
    wrong(
        "swish_backward_of_sigmoid", "backward", "return grad * (s * (1 + x * (1 - s)))", "return grad * (s * (1 - s))"
    ),
    wrong("swish_backward_sign", "backward", "(1 + x * (1 - s))", "(1 - x * (1 - s))"),
    wrong(
        "saved_the_wrong_tensor",
        "backward",
        "        ctx.save_for_backward(x)\n        return x.sign()\n",
        "        y = x.sign()\n        ctx.save_for_backward(y * 2)\n        return y\n",
        at="return grad * (x.abs() <= 1).float()",
    ),
    wrong(
        "function_not_applied",
        "backward",
        "w = Binarize.apply(self.fc2.weight)",
        "w = self.fc2.weight.sign()",
        at=("return grad *", "w = Binarize"),
    ),
    wrong(
        "reversal_lost",
        "backward",
        "self.domain(GradReverse.apply(h, self.lambd))",
        "self.domain(h)",
        check="gradients",
    ),
    wrong(
        "weights_not_binarised",
        "operator",
        "w = Binarize.apply(self.fc2.weight)",
        "w = self.fc2.weight",
        at="h = F.linear(h, w, self.fc2.bias)",
    ),
    wrong("sign_of_sign", "operator", "return x.sign()", "return (x >= 0).float() * 2 - 1"),
    wrong(
        "domain_reads_before_linear",
        "operands",
        "        h = F.linear(h, w, self.fc2.bias)\n        domain = self.domain(GradReverse.apply(h, self.lambd))\n",
        "        domain = self.domain(GradReverse.apply(h, self.lambd))\n        h = F.linear(h, w, self.fc2.bias)\n",
        at="return x.view_as(x)",
    ),
    wrong(
        "gradient_hook_scales",
        "backward",
        "        return self.out(h), domain\n",
        "        if h.requires_grad:\n            h.register_hook(lambda grad: grad * 0.5)\n        return self.out(h), domain\n",
    ),
    wrong(
        "swish_detached_factor",
        "backward",
        "h = SwishFunction.apply(self.fc1(x))",
        "z = self.fc1(x)\n        h = z * torch.sigmoid(z.detach())",
        at=("return x * torch.sigmoid(x)", "return grad * (s"),
    ),
]

EQUAL = [
    equal("neg_operator", "grad.neg() * ctx.lambd", "-grad * ctx.lambd"),
    equal(
        "saved_as_attribute",
        "        ctx.save_for_backward(x)\n        return x * torch.sigmoid(x)\n",
        "        ctx.save_for_backward(x)\n        return torch.sigmoid(x) * x\n",
    ),
    equal("saved_tensors_index", "        x, = ctx.saved_tensors\n", "        x = ctx.saved_tensors[0]\n"),
    equal("float_cast", "(x.abs() <= 1).float()", "x.abs().le(1).to(torch.float32)"),
    equal(  # the sign of a sign is that sign, and passes on every gradient
        "binarised_twice",
        "w = Binarize.apply(self.fc2.weight)",
        "w = Binarize.apply(Binarize.apply(self.fc2.weight))",
        outcome=Outcome.IDENTICAL,
    ),
    equal("sign_function", "return x.sign()", "return torch.sign(x)"),
    equal(
        "helper_function",
        "h = SwishFunction.apply(self.fc1(x))",
        "h = swish(self.fc1(x))",
        "class BinaryNet(nn.Module):",
        "def swish(x):\n    return SwishFunction.apply(x)\n\n\nclass BinaryNet(nn.Module):",
    ),
]
