from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("fake_not_detached", "gradient", "self.netD(fake.detach())", "self.netD(fake)", check="gradients"),
    wrong(
        "generator_loss_detached",
        "gradient",
        "F.binary_cross_entropy(self.netD(fake), ",
        "F.binary_cross_entropy(self.netD(fake.detach()), ",
        check="gradients",
    ),
    wrong(
        "discriminator_called_once",
        "state",
        "        d_real = self.netD(real)\n        d_fake = self.netD(fake.detach())\n",
        "        both = self.netD(torch.cat([real, fake.detach()]))\n        d_real, d_fake = both[:2], both[2:]\n",
        at="self.conv1(img)",
    ),
    wrong(
        "order_of_calls",
        "rng",
        "        d_real = self.netD(real)\n        d_fake = self.netD(fake.detach())\n",
        "        d_fake = self.netD(fake.detach())\n        d_real = self.netD(real)\n",
        at=("x = self.drop(x)", "self.conv1(img)", "self.bn(", "self.adv(x)"),
    ),
    wrong(
        "labels_swapped",
        "operands",
        "F.binary_cross_entropy(d_fake, torch.zeros_like(d_fake))",
        "F.binary_cross_entropy(d_fake, torch.ones_like(d_fake))",
        at="errD =",
    ),
    wrong(
        "smooth_labels",
        "constant",
        "errD = F.binary_cross_entropy(d_real, torch.ones_like(d_real))",
        "errD = F.binary_cross_entropy(d_real, torch.full_like(d_real, 0.9))",
    ),
    wrong(
        "sum_reduction",
        "constant",
        "errG = F.binary_cross_entropy(self.netD(fake), torch.ones_like(d_real))",
        "errG = F.binary_cross_entropy(self.netD(fake), torch.ones_like(d_real), reduction='sum')",
    ),
    wrong("with_logits", "operator", "errG = F.binary_cross_entropy(", "errG = F.binary_cross_entropy_with_logits("),
    wrong("half_of_the_loss", "scale", "torch.zeros_like(d_fake))\n", "torch.zeros_like(d_fake)) * 0.5\n"),
    wrong(
        "outputs_swapped", "structure", "return fake, errD, errG", "return fake, errG, errD", at=("errD =", "errG =")
    ),
    wrong("slope_of_discriminator", "constant", "F.leaky_relu(self.conv1(img), 0.2)", "F.leaky_relu(self.conv1(img))"),
    wrong(
        "slope_of_generator",
        "constant",
        "nn.LeakyReLU(0.2, inplace=True)",
        "nn.LeakyReLU(inplace=True)",
        at="return self.main(out)",
    ),
    wrong(
        "slope_of_second",
        "constant",
        "F.leaky_relu(self.bn(self.conv2(x)), 0.1)",
        "F.leaky_relu(self.bn(self.conv2(x)), 0.2)",
    ),
    wrong(
        "eps_taken_for_momentum",
        "constant",
        "nn.BatchNorm2d(ngf, 0.8)",
        "nn.BatchNorm2d(ngf, momentum=0.8)",
        at="return self.main(out)",
    ),
    wrong(
        "momentum_lost",
        "constant",
        "nn.BatchNorm2d(ngf, momentum=0.2)",
        "nn.BatchNorm2d(ngf)",
        at="return self.main(out)",
    ),
    wrong(
        "tanh_lost", "operator", "            nn.Tanh(),\n", "", at=("fake.detach()", "self.conv1(img)", "self.netG(z)")
    ),
    wrong(
        "bilinear_upsampling",
        "constant",
        "nn.Upsample(scale_factor=2)",
        "nn.Upsample(scale_factor=2, mode='bilinear')",
        at="return self.main(out)",
    ),
    wrong("dropout2d_becomes_dropout", "dropout", "nn.Dropout2d(0.25)", "nn.Dropout(0.25)", at="x = self.drop(x)"),
    wrong("alpha_dropout", "dropout", "nn.Dropout2d(0.25)", "nn.FeatureAlphaDropout(0.25)", at="x = self.drop(x)"),
    wrong("dropout_lost", "dropout", "        x = self.drop(x)\n", "", at="self.bn(self.conv2(x))"),
    wrong(
        "dropout_after_norm",
        "dropout",
        "        x = self.drop(x)\n        x = F.leaky_relu(self.bn(self.conv2(x)), 0.1)\n",
        "        x = self.drop(F.leaky_relu(self.bn(self.conv2(x)), 0.1))\n",
    ),
    wrong("norm_lost", "operator", "self.bn(self.conv2(x))", "self.conv2(x)", at="self.conv2(x)"),
    wrong("std_of_conv", "init", "m.weight.data.normal_(0.0, 0.02)", "m.weight.data.normal_(0.0, 0.2)"),
    wrong("mean_of_norm", "init", "m.weight.data.normal_(1.0, 0.02)", "m.weight.data.normal_(0.0, 0.02)"),
    wrong(
        "isinstance_forgets_a_class",
        "init",
        "elif classname.find('BatchNorm') != -1:",
        "elif isinstance(m, nn.BatchNorm1d):",
        at="m.weight.data.normal_(",
    ),
    wrong(
        "linear_initialised_too",
        "init",
        "if classname.find('Conv') != -1:",
        "if classname.find('Conv') != -1 or classname.find('Linear') != -1:",
        at=("m.weight.data.normal_(0.0, 0.02)", "self.l1"),
    ),
    wrong(
        "init_of_discriminator_first",
        "init-rng",
        "        self.netG.apply(weights_init)\n        self.netD.apply(weights_init)\n",
        "        self.netD.apply(weights_init)\n        self.netG.apply(weights_init)\n",
        at="m.weight.data.normal_(",
    ),
    wrong(
        "init_of_discriminator_lost",
        "init",
        "        self.netD.apply(weights_init)\n",
        "",
        at=("m.weight.data.normal_(", "nn.Conv2d(", "nn.BatchNorm2d(ndf * 2)"),
    ),
    wrong(
        "bias_added",
        "bias",
        "nn.Conv2d(1, ndf, 4, 2, 1, bias=False)",
        "nn.Conv2d(1, ndf, 4, 2, 1)",
        at="self.conv1(img)",
    ),
    wrong(
        "discriminator_frozen",
        "requires-grad",
        "        self.netD.apply(weights_init)\n",
        "        self.netD.apply(weights_init)\n        self.netD.requires_grad_(False)\n",
        check="parameters",
    ),
    wrong(
        "discriminator_switched_to_eval",
        "mode",
        "        fake = self.netG(z)\n",
        "        fake = self.netG(z)\n        self.netD.eval()\n",
        at=("self.bn(", "self.drop(x)", "self.conv2(x)"),
    ),
    wrong(
        "no_grad_around_the_generator",
        "gradient",
        "        fake = self.netG(z)\n",
        "        with torch.no_grad():\n            fake = self.netG(z)\n",
        check="gradients",
    ),
]

EQUAL = [
    equal(
        "stored_sigmoid",
        "        self.adv = nn.Linear(ndf * 2 * 4, 1)\n",
        "        self.adv = nn.Linear(ndf * 2 * 4, 1)\n        self.act = nn.Sigmoid()\n",
        "torch.sigmoid(self.adv(x)).squeeze(1)",
        "self.act(self.adv(x)).squeeze(1)",
    ),
    equal("out_of_place", "nn.LeakyReLU(0.2, inplace=True)", "nn.LeakyReLU(0.2)", outcome=Outcome.IDENTICAL),
    equal("squeeze_last", ".squeeze(1)\n", ".squeeze(-1)\n"),
    equal("flatten", "x = x.view(x.size(0), -1)", "x = x.flatten(1)"),
    equal(
        "full_like",
        "F.binary_cross_entropy(d_fake, torch.zeros_like(d_fake))",
        "nn.BCELoss()(d_fake, torch.zeros_like(d_fake))",
    ),
    equal(
        "loss_turned_round",
        "errD = F.binary_cross_entropy(d_real, torch.ones_like(d_real)) + F.binary_cross_entropy(d_fake, torch.zeros_like(d_fake))",
        "errD = F.binary_cross_entropy(d_fake, torch.zeros_like(d_fake)) + F.binary_cross_entropy(d_real, torch.ones_like(d_real))",
        kind="reordered",
    ),
    equal(
        "sequential_by_names",
        "out = out.view(out.shape[0], 4, 4, 4)\n        return self.main(out)",
        "out = out.view(out.shape[0], 4, 4, 4)\n        for layer in self.main:\n            out = layer(out)\n        return out",
    ),
    equal("in_instead_of_find", "if classname.find('Conv') != -1:", "if 'Conv' in classname:"),
    equal(
        "nn_init",
        "m.weight.data.normal_(0.0, 0.02)",
        "nn.init.normal_(m.weight, 0.0, 0.02)",
        "m.bias.data.fill_(0)",
        "nn.init.constant_(m.bias, 0)",
    ),
    equal(
        "apply_once",
        "        self.netG.apply(weights_init)\n        self.netD.apply(weights_init)\n",
        "        self.apply(weights_init)\n",
    ),
    equal(
        "detach_before",
        "d_fake = self.netD(fake.detach())",
        "frozen = fake.detach()\n        d_fake = self.netD(frozen)",
    ),
]
