"""Teaching the model: feedback on an answer, the classes to choose from, and what is missing."""
