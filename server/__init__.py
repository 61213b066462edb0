"""Composition: config, app factory, command line, sign-in, mail delivery, metrics."""
