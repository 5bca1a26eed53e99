"""What names say by convention, where nothing better is known."""

from __future__ import annotations

import re

from modfix.semantics.facts import UNKNOWN, Ref

_CONFIGURATION = re.compile(
    r"(^|[._])(args?|cfg|conf|config|configs|configuration|flags|hparams|hps|namespace|opt|opts|options?|params"
    r"|settings)$",
    re.IGNORECASE,
)


def may_name(key: str, attr: str) -> bool:
    """Whether a computed name may be ``attr``, by what is known of it.

    ``=a,b`` are the only names it can be; anything else is what it starts with.
    """
    return attr in key[1:].split(",") if key.startswith("=") else attr.startswith(key)


def is_configuration(source: str) -> bool:
    """Whether an object, by the source of its name, holds options: ``args``, ``self.cfg``, ``global_params``.

    Nobody calls a module so.
    """
    return _CONFIGURATION.search(source) is not None


def is_class_name(ref: Ref) -> bool:
    """Whether a name that does not resolve within the project is a class by convention: ``CapWords``."""
    last = ref.lstrip("$").rpartition(".")[2]
    if ref.startswith(("@", ".", "self.", UNKNOWN)) or (ref.startswith("$") and "." in ref):
        return False
    return last[:1].isupper()


def is_capitalized(ref: Ref) -> bool:
    """As `is_class_name`, but also for a member of something unknown, as in `layers.Block()`."""
    return is_class_name(ref) or (
        ref.startswith("$") and not ref.startswith("$self.") and ref.rpartition(".")[2][:1].isupper()
    )
