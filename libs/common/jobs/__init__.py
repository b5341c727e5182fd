"""Long work: a job is a stream of the service that runs it, and waits in that service's queue table."""
