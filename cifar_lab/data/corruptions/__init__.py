"""Fifteen seeded corruptions of images, in four families."""
