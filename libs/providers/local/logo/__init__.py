"""Parametric logos: a brief becomes a design document, which becomes shapes, which become SVG and PNG.

The document is what an edit changes, so a child keeps its parent's identity.
"""
