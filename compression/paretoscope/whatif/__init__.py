"""Estimates before anything is measured."""
