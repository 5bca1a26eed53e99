"""The parts of `modfix.engine.rewriter`: where edits point, what they mean, and how they are printed."""
