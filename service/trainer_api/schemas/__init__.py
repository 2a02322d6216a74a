"""What the trainer's calls take and answer, as Pydantic models.

Bodies are strict: unknown fields are refused, and so is a text or true where a number belongs.
What training has written, possibly an older release of it, is described by a TypedDict and passes
unchecked: a stored version with an odd figure must not keep the others from being listed.
"""
