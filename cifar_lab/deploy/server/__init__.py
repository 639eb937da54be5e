"""A bundle's network behind HTTP: images come in, are answered in batches, and leave no trace."""
