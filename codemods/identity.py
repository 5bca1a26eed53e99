"""Replace ``None`` by ``nn.Identity()`` in optional submodules."""

from collections.abc import Iterator

from modfix.api import Codemod, Finding, ModuleClass


class Identity(Codemod):
    """See the module docstring."""

    name = "identity"
    summary = "optional submodules are nn.Identity() instead of None, and their guards go"
    needles = (b"None",)

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding per optional submodule of ``cls``."""
        yield from ()
