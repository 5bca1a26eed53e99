"""The harness for codemod authors: fixtures, inline checks, and a pytest plugin."""
