"""Whole pages, put together from sections."""
