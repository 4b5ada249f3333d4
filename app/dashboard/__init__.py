"""The page to look at: rendered here, kept live by a little script, whole without it."""
