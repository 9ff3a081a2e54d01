"""Owns the pages themselves, one idea a file: reads a form, calls the core, names a template. No rule of its own."""
