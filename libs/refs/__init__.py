"""Other services' facts: copies for lists and titles, and the questions that decisions ask instead."""
