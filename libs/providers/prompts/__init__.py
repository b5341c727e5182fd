"""What models are told, one module per kind of work. A wording that changes gets a new template name."""
