"""The whole system: real processes, started as in production, driven over HTTP as a client would."""
