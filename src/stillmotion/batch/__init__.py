"""Many videos in one go: a data set goes in, the folder that a benchmark takes comes out.

The room uses the pipeline's steps; the pipeline never knows it.
"""
