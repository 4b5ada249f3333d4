"""The threads of a worker: taking in by group commit, working off, staying alive."""
