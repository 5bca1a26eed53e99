"""A codemod for `libcst.tool codemod` that visits every node and changes nothing: what the framework alone costs."""

import libcst as cst
from libcst.codemod import VisitorBasedCodemodCommand


class Noop(VisitorBasedCodemodCommand):
    DESCRIPTION = "Change nothing."

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        return updated_node
