"""Database access as code: what a document declares is what PostgreSQL grants, and nothing else."""
