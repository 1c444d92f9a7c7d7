"""Figures of finished videos: does the person stay the same, does the picture follow the words, does it move.

Judges (one small class each) measure, `run` takes every video through them, tables and pages show it.
"""
