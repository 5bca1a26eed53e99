from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("levels_a_tuple", "structure", "return results\n", "return tuple(results)\n", check="output"),
    wrong("levels_reversed", "structure", "return results\n", "return results[::-1]\n", check="output"),
    wrong(
        "pairs_a_list",
        "structure",
        "results.append((scores, boxes))",
        "results.append([scores, boxes])",
        check="output",
    ),
    wrong(
        "pairs_swapped",
        "structure",
        "results.append((scores, boxes))",
        "results.append((boxes, scores))",
        check="output",
    ),
    wrong("permute_lost", "layout", "scores.permute(0, 2, 3, 1).reshape(", "scores.reshape(", check="output"),
    wrong("transpose_for_permute", "layout", "boxes.permute(0, 2, 3, 1)", "boxes.permute(0, 3, 2, 1)", check="output"),
    wrong("transpose_of_one_pair", "layout", "boxes.permute(0, 2, 3, 1)", "boxes.transpose(1, 3)", check="output"),
    wrong("anchor_of_other_level", "dim", "self.anchors[level]", "self.anchors[1 - level]", at="boxes = torch.exp("),
    wrong("scale_of_other_level", "dim", "self.scales[level]", "self.scales[0]", at="boxes = torch.exp("),
    wrong(
        "scales_in_a_list",
        "registration",
        "nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(2)])",
        "[nn.Parameter(torch.ones(1)) for _ in range(2)]",
        check="keys",
    ),
    wrong(
        "scales_one_tensor",
        "keys",
        "nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(2)])",
        "nn.Parameter(torch.ones(2))",
        check="keys",
    ),
    wrong(
        "anchors_in_list",
        "buffer",
        "self.register_buffer('anchors', torch.tensor([8., 16.]))",
        "self.anchors = [8., 16.]",
        check="keys",
    ),
    wrong(
        "anchors_changed",
        "buffer",
        "torch.tensor([8., 16.])",
        "torch.tensor([8., 32.])",
        at="self.register_buffer('anchors'",
    ),
    wrong("prior", "init", "prior=0.01", "prior=0.1", at="nn.init.constant_("),
    wrong(
        "prior_on_the_wrong_head",
        "init",
        "nn.init.constant_(self.cls_head.bias,",
        "nn.init.constant_(self.box_head.bias,",
    ),
    wrong("std", "init", "std=0.01", "std=0.1", at="nn.init.normal_("),
    wrong("top_down_lost", "residual", "p3 = self.lat3(c3) + up", "p3 = self.lat3(c3)"),
    wrong("bilinear", "constant", "mode='nearest'", "mode='bilinear'", at="F.interpolate("),
    wrong(
        "heads_separate",
        "sharing",
        "        self.box_head = nn.Conv2d(width, 4, 3, padding=1)\n",
        "        self.box_head = nn.Conv2d(width, 4, 3, padding=1)\n        self.box_head2 = nn.Conv2d(width, 4, 3, padding=1)\n",
        "self.box_head(p)",
        "(self.box_head, self.box_head2)[level](p)",
        at=("self.box_head", "nn.init", "nn.Conv2d"),
    ),
    wrong(
        "exp_lost",
        "operator",
        "torch.exp(self.box_head(p) * self.scales[level])",
        "(self.box_head(p) * self.scales[level])",
        at="boxes = ",
    ),
    wrong("c4_from_input", "operands", "p3 = self.lat3(c3) + up", "p3 = self.lat3(F.relu(self.c3(x * 2))) + up"),
]

EQUAL = [
    equal(
        "flatten_first",
        "scores.permute(0, 2, 3, 1).reshape(x.size(0), -1, 3)",
        "scores.permute(0, 2, 3, 1).flatten(1, 2)",
    ),
    equal(
        "comprehension", "            results.append((scores, boxes))\n", "            results += [(scores, boxes)]\n"
    ),
    equal(
        "exp_method",
        "torch.exp(self.box_head(p) * self.scales[level])",
        "(self.box_head(p) * self.scales[level]).exp()",
    ),
    equal("zip_of_scales", "for level, p in enumerate([p3, p4]):", "for level, p in zip(range(2), (p3, p4)):"),
    equal("movedim", "boxes.permute(0, 2, 3, 1)", "boxes.movedim(1, -1)"),
    equal(
        "parameter_list_append",
        "nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(2)])",
        "nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(2))",
    ),
]
