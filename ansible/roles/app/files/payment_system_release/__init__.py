"""Owns a host's releases: installing one, cutting over to it without dropping a request, and going back.

Runs on the host as root, with Debian's own Python and nothing else. A release's own code never runs in here.
"""
