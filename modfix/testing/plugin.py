"""pytest plugin of modfix: collects fixture folders of codemods."""
