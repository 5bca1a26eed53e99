"""Runs codemods: registry, selection, the fixed point over an overlay, rewriting with guards, parallel work and the
cache."""
