"""Mutates videos of every accepted container and normalises each in a confined process.

`originals` makes the clips, `trees` reads their containers as boxes, elements and chunks, `mutations` changes them,
`opening` sees what else is opened, and `running` has the rules: `python -m tests.jobs.media.video_fuzz mp4 1 500`.
"""
