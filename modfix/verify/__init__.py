"""Prove that two versions of a repository compute the same, by running both.

The parent (this package) never imports torch: it materialises two trees (`trees`), starts worker processes with the
project's own interpreter (`process`), asks each for the same observation of the same case, and compares what comes
back (`compare`, `localize`, `attribution`). What runs in the worker is in `modfix.verify.worker`.
"""
