"""What each verb does, as plain functions over plain data."""
