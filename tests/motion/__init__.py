"""Tests of the motion room."""
