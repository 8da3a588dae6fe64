"""The bounded pipeline of one worker: read -> prepare -> forward -> commit, over shards, whatever the collection."""
