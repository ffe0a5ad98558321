"""Interfaces of Attune: command line and HTTP service."""
