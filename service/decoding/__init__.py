"""From the bytes of a picture or an array to the model's input, in bounded time and memory."""
