"""A flat-lay top on a frontal person, by geometry: a placement preview without folds, fit or pose."""
