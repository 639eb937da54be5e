"""What each verb does, as plain functions on plain data."""
