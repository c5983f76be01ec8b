"""The one kind of error whose message is meant for a person."""


class StudyError(Exception):
    """Something about the study's input that a person has to correct.

    The message is one sentence or two: which file, key or exam is wrong, and
    what to do about it. The command line prints it without a traceback.
    """
