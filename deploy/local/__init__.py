"""The whole system on one machine: real servers from wheels, supervised."""
