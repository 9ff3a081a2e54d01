"""Owns the pages themselves, one topic in each file. A page reads a form, calls the core and names a template. It has no rules."""
