"""Owns finding on a host what belongs to somebody else and what a deploy would replace, end or cut off. It only reads."""
