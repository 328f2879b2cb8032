"""GitHub, by the gh program: settings of the repository, comments and issues."""
