"""The feed: candidates, ranking, composition, reasons; wired in `engine`, kept up to date by `follow`."""
