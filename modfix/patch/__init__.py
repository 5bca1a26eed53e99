"""Byte-true unified diffs, their hunks indexed to fixes, and git."""
