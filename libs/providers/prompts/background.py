"""A product without its surroundings."""

TEMPLATE = "background/1"

REMOVE = (
    "Remove the background. Keep the product pixel for pixel: its shape, edges, colours, texts and logos. "
    "Everything else becomes fully transparent, holes and gaps as well; no shadow, no outline, no added pixels."
)
