"""The codemods that come with modfix, one file each. The registry finds them through entry points."""
