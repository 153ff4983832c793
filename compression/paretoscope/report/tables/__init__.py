"""Rows of models as data: what tables, figures and the report show."""
