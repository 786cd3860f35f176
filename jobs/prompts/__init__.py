"""The prompts of models: one template per kind and model family, filled with a theme and the user's wish.

Templates and themes are data. A prompt's version names its template and a digest of everything in it but the job's own
text, so two attempts with the same version had the same prompt otherwise.
"""

from jobs.prompts.book import NoPrompt, Prompt, PromptBook
from jobs.prompts.words import DETAILS_LENGTH_MAX, cleaned

__all__ = ["DETAILS_LENGTH_MAX", "NoPrompt", "Prompt", "PromptBook", "cleaned"]
