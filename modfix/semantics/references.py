"""What names stand for across files: modules of the project, re-exports, and the classes behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modfix.semantics.facts import UNKNOWN, FileFacts, Ref
from modfix.semantics.module_class import ModuleClass, Resolved
from modfix.semantics.torch_names import MODULE_CLASSES


class References:
    """Answers for the references of one project; ``classes`` are those of each file."""

    def __init__(self, files: Mapping[str, FileFacts], classes: Mapping[str, tuple[ModuleClass, ...]]) -> None:
        self._files = files
        self._classes = classes
        self._module_files: dict[tuple[str, int, str], str | None] = {}
        self._modules: dict[str, list[str]] = {}
        self._top_names: set[str] = set()  # what an absolute import of a module of the project may start with
        for path in files:
            parts = path.rpartition(".")[0].split("/")
            if parts[-1] == "__init__":
                parts.pop()
            for start in range(len(parts)):
                self._modules.setdefault(".".join(parts[start:]), []).append(path)
            self._top_names.update(parts)

    def resolve_class(self, path: str, ref: Ref, before: int) -> Resolved:
        """What a reference in ``path`` stands for: a class of the project, a dotted name outside, or ``?``.

        Of several classes of one name in the file the last one above the offset ``before`` counts.
        """
        found = self.resolve(path, ref, before, frozenset())
        return found if isinstance(found, ModuleClass) or "@" not in found else UNKNOWN

    def means(self, path: str, ref: Ref, wanted: str) -> bool:
        """Whether ``ref`` in ``path`` is the dotted name ``wanted``, perhaps through re-exports of the project."""
        if ref == wanted:
            return True
        last = ref.rpartition(".")[2]
        return last == wanted.rpartition(".")[2] and self.resolve(path, ref, None, frozenset()) == wanted

    def resolve(
        self, path: str, ref: Ref, before: int | None = None, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Resolved:
        """As `resolve_class`; a function of the project is ``@<path>@<name>``."""
        if ref[0] in "?$%^<" or (path, ref) in seen:
            return UNKNOWN
        seen |= {(path, ref)}
        if ref.startswith("@"):
            name, _, rest = ref[1:].partition(".")
            if rest:
                return UNKNOWN
            same = [c for c in self._classes.get(path, ()) if c.qualname == name]
            if len(same) > 1 and any(c.facts.conditional for c in same):
                return UNKNOWN  # `if fast: class A: ...`, `else: class A: ...`
            above = [c for c in same if before is None or c.facts.span.start < before]
            if above:
                return max(above, key=lambda c: c.facts.span.start)
            return f"@{path}@{name}" if name in self._files[path].functions and not same else UNKNOWN
        if ref.startswith("self."):
            return UNKNOWN
        parts = ref.lstrip(".").split(".")
        level = len(ref) - len(ref.lstrip("."))
        for cut in range(len(parts) - 1, -1, -1):
            module = self._module(path, level, parts[:cut])
            if module is not None:
                inside = parts[cut:]
                facts = self._files[module]
                inner = facts.bindings.get(inside[0])
                if inner is None and len(facts.star_imports) == 1:
                    inner = facts.star_imports[0] + inside[0]
                if inner is None or (len(inside) > 1 and inner[0] in "@?") or (module, inside[0]) in seen:
                    return UNKNOWN
                seen |= {(module, inside[0])}  # a module that is missing looks like the name in the package
                return self.resolve(module, ".".join([inner, *inside[1:]]), None, seen)
            if level == 0 and parts[0] != "torch" and len(self._modules.get(".".join(parts[:cut]), ())) > 1:
                return UNKNOWN  # several modules of that name: neither one of them nor certainly another package
            if level == 0 and parts[0] not in self._top_names:
                break
        return UNKNOWN if level else ref

    def hidden_names(self, path: str) -> Iterator[str]:
        """Names of a file that mean something else than its bindings say: a star import behind brings another one."""
        bindings = self._files[path].bindings
        for star, earlier in self._files[path].before_stars:
            parts = star.strip(".").split(".")
            module = self._module(path, len(star) - len(star.lstrip(".")), parts if parts != [""] else [])
            brought = self._files[module].bindings if module is not None else {}
            if star == "torch.nn.":
                brought = {name: f"torch.nn.{name}" for name in MODULE_CLASSES}
            for name in sorted(name for name in earlier & brought.keys() if not name.startswith("_")):
                other = self.resolve(module, brought[name]) if module is not None else brought[name]
                if other != self.resolve(path, bindings[name]):
                    yield name

    def may_be_imported(self, path: str, name: str) -> bool:
        """See `Project.may_be_imported`."""
        module = path.removesuffix(".py").rpartition("/")[2]
        if module == "__init__":
            return True  # packages are there to be imported from
        for other, facts in self._files.items():
            if other == path:
                continue
            if name in facts.mentioned and module in facts.mentioned:
                return True  # `from models import net`, and then `net.F`
            for ref in facts.imports:
                package, _, taken = ref.rpartition(".")
                if taken in (name, "*") and self._may_be_module(other, package, path):
                    return True
        return False

    def _may_be_module(self, path: str, package: str, module: str) -> bool:
        """Whether ``package``, as imported from ``path``, may be the file ``module``."""
        name = package.lstrip(".")
        if package != name:
            return self._find_module(path.rpartition("/")[0], len(package) - len(name), name) == module
        return module in self._modules.get(name, ())

    def _module(self, path: str, level: int, parts: list[str]) -> str | None:
        """The file of a module, as imported from ``path``; None when it is not of this project or not unique."""
        if not level and (not parts or parts[0] == "torch" or parts[0] not in self._top_names):
            return None
        key = (path.rpartition("/")[0], level, ".".join(parts))
        if key not in self._module_files:
            self._module_files[key] = self._find_module(*key)
        return self._module_files[key]

    def _find_module(self, folder: str, level: int, name: str) -> str | None:
        """As `_module`, for all files of one folder."""
        if level:
            around = folder.split("/") if folder else []
            if level - 1 > len(around):
                return None
            base = "/".join((*around[: len(around) - level + 1], *(name.split(".") if name else ())))
            files = (f"{base}/__init__.py", f"{base}.py") if base else ("__init__.py",)  # Python prefers the package
            return next((file for file in files if file in self._files), None)
        candidates = self._modules.get(name, [])
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        above = []
        for candidate in candidates:  # several modules of that name: the one under the nearest folder above counts
            root = candidate.removesuffix(".py").removesuffix("/__init__").removesuffix(name.replace(".", "/"))
            if f"{folder}/".startswith(root):
                above.append((root.count("/"), candidate))
        above.sort(reverse=True)
        if not above or (len(above) > 1 and above[0][0] == above[1][0]):
            return None
        return above[0][1]
