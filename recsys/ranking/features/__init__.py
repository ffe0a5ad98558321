"""Feature families, one small file each."""
