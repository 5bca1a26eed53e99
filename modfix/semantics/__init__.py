"""What torch code means: facts per file from one walk of the standard ``ast``, joined into a project of classes."""
