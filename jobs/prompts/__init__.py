"""The words that models are given: a template a kind and a model family, filled with a theme and the user's wish.

Templates and themes are data. A prompt's version names its template and a digest of everything that was in it before
the job's own words, so that two attempts with the same version were asked in the same way.
"""

from jobs.prompts.book import NoPrompt, Prompt, PromptBook
from jobs.prompts.words import DETAILS_LENGTH_MAX, cleaned

__all__ = ["DETAILS_LENGTH_MAX", "NoPrompt", "Prompt", "PromptBook", "cleaned"]
