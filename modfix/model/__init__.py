"""Plain frozen values that every layer shares. No logic beyond small derived properties, no I/O."""
