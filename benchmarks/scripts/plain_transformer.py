"""What one writes first: parse every file with LibCST, replace `self.x = None`, print the code; often wrong."""

import sys
from pathlib import Path

import libcst as cst
import libcst.matchers as m

NONE_ATTRIBUTE = m.Assign(targets=[m.AssignTarget(m.Attribute(value=m.Name("self")))], value=m.Name("None"))


class NoneToIdentity(cst.CSTTransformer):
    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        if not m.matches(updated_node, NONE_ATTRIBUTE):
            return updated_node
        return updated_node.with_changes(value=cst.parse_expression("nn.Identity()"))


for path in sorted(Path(sys.argv[1]).rglob("*.py")):
    sys.stdout.write(cst.parse_module(path.read_text(encoding="utf-8")).visit(NoneToIdentity()).code)
