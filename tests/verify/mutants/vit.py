from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("gelu_by_tanh", "constant", "F.gelu(h)", "F.gelu(h, approximate='tanh')"),
    wrong("silu_for_gelu", "operator", "F.gelu(h)", "F.silu(h)"),
    wrong(
        "layer_norm_eps",
        "constant",
        "self.norm2 = nn.LayerNorm(dim, eps=1e-6)",
        "self.norm2 = nn.LayerNorm(dim)",
        at="h = self.norm2(x)",
    ),
    wrong("final_norm_lost", "operator", "        x = self.norm(x)\n", "", at="return self.head(x[:, 0])"),
    wrong(
        "scale_forgotten",
        "scale",
        "attn = (q @ k.transpose(-2, -1)) * self.scale",
        "attn = q @ k.transpose(-2, -1)",
        at="attn = attn.softmax(dim=-1)",
    ),
    wrong(
        "scale_of_the_whole_width",
        "scale",
        "self.scale = (dim // heads) ** -0.5",
        "self.scale = dim ** -0.5",
        at="* self.scale",
    ),
    wrong("softmax_over_queries", "dim", "attn.softmax(dim=-1)", "attn.softmax(dim=-2)"),
    wrong(
        "query_and_key_swapped",
        "operands",
        "q, k, v = qkv[0], qkv[1], qkv[2]",
        "q, k, v = qkv[1], qkv[0], qkv[2]",
        at="attn = (q @ k",
    ),
    wrong(
        "key_and_value_swapped",
        "operands",
        "q, k, v = qkv[0], qkv[1], qkv[2]",
        "q, k, v = qkv[0], qkv[2], qkv[1]",
        at="attn = (q @ k",
    ),
    wrong(
        "heads_before_three",
        "dim",
        "reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)",
        "reshape(B, N, self.heads, 3, C // self.heads).permute(3, 0, 2, 1, 4)",
        at="attn = (q @ k",
    ),
    wrong(
        "transpose_forgotten",
        "layout",
        "(attn @ v).transpose(1, 2).reshape(B, N, C)",
        "(attn @ v).reshape(B, N, C)",
        at="x = self.proj(x)",
    ),
    wrong("attention_dropout_lost", "dropout", "        attn = self.attn_drop(attn)\n", "", at="x = (attn @ v)"),
    wrong(
        "projection_dropout_lost",
        "dropout",
        "return self.proj_drop(x)",
        "return x",
        at="drop_path(self.attn(self.norm1(x))",
    ),
    wrong(
        "dropout_twice", "dropout", "        x = self.pos_drop(x)\n", "        x = self.pos_drop(self.pos_drop(x))\n"
    ),
    wrong(
        "dropout_rate",
        "dropout",
        "self.pos_drop = nn.Dropout(0.1)",
        "self.pos_drop = nn.Dropout(0.2)",
        at="x = self.pos_drop(x)",
    ),
    wrong(
        "drop_path_in_eval",
        "mode",
        "if drop_prob == 0. or not training:",
        "if drop_prob == 0.:",
        at=("bernoulli_(keep)", "h = self.norm2(x)"),
    ),
    wrong(
        "drop_path_not_scaled",
        "scale",
        "return x * mask / keep",
        "return x * mask",
        at=("h = self.norm2(x)", "x = x + drop_path"),
    ),
    wrong(
        "drop_path_for_the_batch",
        "rng",
        "(x.shape[0],) + (1,) * (x.dim() - 1)",
        "(1,) * x.dim()",
        at="return x * mask / keep",
    ),
    wrong(
        "drop_path_order",
        "constant",
        "[0.2 * i / (depth - 1) for i in range(depth)]",
        "[0.2 * i / (depth - 1) for i in reversed(range(depth))]",
        at=("x = x + drop_path", "bernoulli_", "* mask / keep"),
    ),
    wrong(
        "one_drop_path_lost",
        "dropout",
        "x = x + drop_path(h, self.path, self.training)",
        "x = x + h",
        at="x = x + drop_path",
    ),
    wrong(
        "norm_after_attention",
        "operands",
        "x + drop_path(self.attn(self.norm1(x)), self.path, self.training)",
        "self.norm1(x + drop_path(self.attn(x), self.path, self.training))",
        at="self.qkv(x)",
    ),
    wrong("class_token_last", "operands", "torch.cat((cls, x), dim=1)", "torch.cat((x, cls), dim=1)"),
    wrong("last_token_read", "dim", "return self.head(x[:, 0])", "return self.head(x[:, -1])"),
    wrong("mean_over_tokens", "operator", "return self.head(x[:, 0])", "return self.head(x.mean(1))"),
    wrong("position_lost", "residual", "        x = x + self.pos_embed\n", "", at="x = self.pos_drop(x)"),
    wrong(
        "position_detached", "gradient", "x = x + self.pos_embed", "x = x + self.pos_embed.detach()", check="gradients"
    ),
    wrong(
        "position_a_buffer",
        "optimizer",
        "self.pos_embed = nn.Parameter(torch.zeros(1, n + 1, dim))",
        "self.register_buffer('pos_embed', torch.zeros(1, n + 1, dim))",
        check="parameters",
    ),
    wrong(
        "token_not_trained",
        "requires-grad",
        "self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))",
        "self.cls_token = nn.Parameter(torch.zeros(1, 1, dim), requires_grad=False)",
        check="parameters",
    ),
    wrong(
        "std_of_init", "init", "nn.init.trunc_normal_(m.weight, std=.02)", "nn.init.trunc_normal_(m.weight, std=.01)"
    ),
    wrong(
        "xavier_for_trunc_normal",
        "init",
        "nn.init.trunc_normal_(m.weight, std=.02)",
        "nn.init.xavier_uniform_(m.weight)",
    ),
    wrong(
        "init_before_position",
        "init-rng",
        "        nn.init.trunc_normal_(self.pos_embed, std=.02)\n        nn.init.trunc_normal_(self.cls_token, std=.02)\n",
        "        nn.init.trunc_normal_(self.cls_token, std=.02)\n        nn.init.trunc_normal_(self.pos_embed, std=.02)\n",
    ),
    wrong(
        "init_not_applied",
        "init",
        "        self.apply(self._init_weights)\n",
        "",
        at=("self.qkv = nn.Linear", "nn.init.trunc_normal_", "nn.init.constant_"),
    ),
    wrong(
        "bias_of_qkv_dropped",
        "bias",
        "Attention(dim, heads)",
        "Attention(dim, heads, qkv_bias=False)",
        at=("self.qkv(x)", "self.qkv = nn.Linear("),  # the bias is missed first where it is made
    ),
    wrong(
        "blocks_share_weights",
        "sharing",
        "nn.ModuleList([Block(dim, heads, rates[i]) for i in range(depth)])",
        "nn.ModuleList([Block(dim, heads, rates[-1])] * depth)",
        check="tied",
    ),
    wrong(
        "blocks_in_a_list",
        "registration",
        "nn.ModuleList([Block(dim, heads, rates[i]) for i in range(depth)])",
        "[Block(dim, heads, rates[i]) for i in range(depth)]",
        check="keys",
    ),
    wrong(
        "blocks_reversed", "operands", "for blk in self.blocks:", "for blk in self.blocks[::-1]:", at="self.norm1(x)"
    ),
    wrong(
        "patches_transposed",
        "layout",
        "self.patch_embed(x).flatten(2).transpose(1, 2)",
        "self.patch_embed(x).transpose(2, 3).flatten(2).transpose(1, 2)",
        at="x = torch.cat((cls, x), dim=1)",
    ),
]

EQUAL = [
    equal(
        "stored_gelu",
        "        self.fc2 = nn.Linear(dim * 2, dim)\n",
        "        self.fc2 = nn.Linear(dim * 2, dim)\n        self.act = nn.GELU()\n",
        "h = F.gelu(h)",
        "h = self.act(h)",
    ),
    equal("unbind", "q, k, v = qkv[0], qkv[1], qkv[2]", "q, k, v = qkv.unbind(0)", outcome=Outcome.IDENTICAL),
    equal("matmul", "(q @ k.transpose(-2, -1))", "torch.matmul(q, k.transpose(-2, -1))"),
    equal("functional_softmax", "attn.softmax(dim=-1)", "F.softmax(attn, dim=-1)"),
    equal("positive_dim", "attn.softmax(dim=-1)", "torch.softmax(attn, 3)"),
    equal("mt", "k.transpose(-2, -1)", "k.mT"),
    equal("swapaxes", "(attn @ v).transpose(1, 2)", "(attn @ v).swapaxes(1, 2)"),
    equal(
        "permute_for_transpose",
        "(attn @ v).transpose(1, 2).reshape(B, N, C)",
        "(attn @ v).permute(0, 2, 1, 3).flatten(2)",
    ),
    equal(
        "drop_path_as_module",
        "        self.path = path\n",
        "        self.path = DropPath(path)\n",
        "drop_path(self.attn(self.norm1(x)), self.path, self.training)",
        "self.path(self.attn(self.norm1(x)))",
        "drop_path(h, self.path, self.training)",
        "self.path(h)",
        "class Attention(nn.Module):",
        "class DropPath(nn.Module):\n    def __init__(self, prob):\n        super().__init__()\n        self.prob = prob\n\n    def forward(self, x):\n        return drop_path(x, self.prob, self.training)\n\n\nclass Attention(nn.Module):",
    ),
    equal(
        "functional_dropout",
        "        attn = self.attn_drop(attn)\n",
        "        attn = F.dropout(attn, self.attn_drop.p, self.training)\n",
    ),
    equal(
        "negative_condition",
        "if drop_prob == 0. or not training:\n        return x\n    keep",
        "if not (drop_prob != 0. and training):\n        return x\n    keep",
    ),
    equal("concat", "torch.cat((cls, x), dim=1)", "torch.concat([cls, x], 1)"),
    equal(
        "expand_as_three_numbers",
        "self.cls_token.expand(B, -1, -1)",
        "self.cls_token.expand(B, 1, self.cls_token.shape[2])",
    ),
    equal(
        "enumerate_blocks",
        "for blk in self.blocks:\n            x = blk(x)",
        "for i in range(len(self.blocks)):\n            x = self.blocks[i](x)",
    ),
    equal(
        "mlp_helper",
        "        h = self.norm2(x)\n        h = self.fc1(h)\n        h = F.gelu(h)\n        h = self.fc2(h)\n        x = x + drop_path(h, self.path, self.training)\n        return x\n",
        "        return x + drop_path(self.mlp(self.norm2(x)), self.path, self.training)\n\n    def mlp(self, h):\n        return self.fc2(F.gelu(self.fc1(h)))\n",
    ),
    equal(
        "init_loop_over_modules",
        "        self.apply(self._init_weights)\n",
        "        for m in self.modules():\n            self._init_weights(m)\n",
    ),
    equal("select", "return self.head(x[:, 0])", "return self.head(x.select(1, 0))"),
]
