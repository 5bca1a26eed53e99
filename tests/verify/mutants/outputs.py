from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "scores_a_plain_tuple",
        "structure",
        "Scores(start.squeeze(-1), end.squeeze(-1))",
        "(start.squeeze(-1), end.squeeze(-1))",
        check="output",
    ),
    wrong(
        "scores_a_list",
        "structure",
        "Scores(start.squeeze(-1), end.squeeze(-1))",
        "[start.squeeze(-1), end.squeeze(-1)]",
        check="output",
    ),
    wrong(
        "start_and_end_swapped",
        "operands",
        "Scores(start.squeeze(-1), end.squeeze(-1))",
        "Scores(end.squeeze(-1), start.squeeze(-1))",
        check="output",
    ),
    wrong("fields_renamed", "structure", "['start', 'end']", "['begin', 'end']", check="output"),
    wrong(
        "order_of_features",
        "structure",
        "        features['hidden'] = h\n        features['pooled'] = pooled\n",
        "        features['pooled'] = pooled\n        features['hidden'] = h\n",
        check="output",
    ),
    wrong("feature_lost", "structure", "        features['pooled'] = pooled\n", "", check="output"),
    wrong("none_becomes_zero", "none", "        loss = None\n", "        loss = torch.zeros(())\n", check="output"),
    wrong(
        "loss_lost",
        "none",
        "loss = nn.functional.cross_entropy(start.squeeze(-1), labels, ignore_index=-100)",
        "loss = None",
        at="loss = nn.functional",
    ),
    wrong(
        "loss_detached",
        "gradient",
        "labels, ignore_index=-100)",
        "labels, ignore_index=-100).detach()",
        check="gradients",
    ),
    wrong("ignored_label", "constant", "ignore_index=-100)", "ignore_index=1)"),
    wrong("label_smoothing", "constant", "ignore_index=-100)", "ignore_index=-100, label_smoothing=0.1)"),
    wrong("loss_of_end", "operands", "cross_entropy(start.squeeze(-1)", "cross_entropy(end.squeeze(-1)"),
    wrong("count_wrong", "structure", "features, loss, x.size(1))", "features, loss, x.size(0))", check="output"),
    wrong(
        "count_a_tensor",
        "structure",
        "features, loss, x.size(1))",
        "features, loss, torch.tensor(x.size(1)))",
        check="output",
    ),
    wrong(
        "extra_filled",
        "structure",
        "features, loss, x.size(1))",
        "features, loss, x.size(1), extra='x')",
        check="output",
    ),
    wrong(
        "dict_for_object",
        "structure",
        "return ModelOutput(Scores(start.squeeze(-1), end.squeeze(-1)), features, loss, x.size(1))",
        "return dict(scores=Scores(start.squeeze(-1), end.squeeze(-1)), features=features, loss=loss, count=x.size(1), extra=None)",
        check="output",
    ),
    wrong("pooled_last_token", "dim", "self.pooler(h[:, 0])", "self.pooler(h[:, -1])"),
    wrong(
        "squeeze_lost_in_output",
        "dim",
        "Scores(start.squeeze(-1), end.squeeze(-1))",
        "Scores(start, end.squeeze(-1))",
        check="output",
    ),
    wrong(
        "hidden_before_relu",
        "operands",
        "h = torch.relu(self.body(x))",
        "raw = self.body(x)\n        h = torch.relu(raw)",
        "features['hidden'] = h",
        "features['hidden'] = raw",
        check="output",
    ),
    wrong(
        "raises_with_labels",
        "error",
        "        if labels is not None:\n",
        "        if labels is not None:\n            labels = labels.view(-1, 3)\n",
        at=("labels.view(-1, 3)", "ignore_index=-100)"),
    ),
    wrong(
        "raises_without_labels",
        "error",
        "        if labels is not None:\n",
        "        if labels.dim():\n",
        check="error",
    ),
]

EQUAL = [
    equal("chunk", "self.qa(h).split(1, dim=-1)", "torch.split(self.qa(h), 1, dim=2)"),
    equal(
        "keywords",
        "return ModelOutput(Scores(start.squeeze(-1), end.squeeze(-1)), features, loss, x.size(1))",
        "return ModelOutput(scores=Scores(start=start.squeeze(-1), end=end.squeeze(-1)), features=features, loss=loss, count=x.shape[1])",
    ),
    equal(
        "ordered_dict_of_pairs",
        "        features = OrderedDict()\n        features['hidden'] = h\n        features['pooled'] = pooled\n",
        "        features = OrderedDict([('hidden', h), ('pooled', pooled)])\n",
    ),
    equal(
        "early_squeeze",
        "        start, end = self.qa(h).split(1, dim=-1)\n",
        "        logits = self.qa(h)\n        start, end = logits.split(1, dim=-1)\n",
    ),
    equal(
        "loss_module",
        "nn.functional.cross_entropy(start.squeeze(-1), labels, ignore_index=-100)",
        "nn.CrossEntropyLoss()(start.squeeze(-1), labels)",
    ),
]
