"""One event at a time: receive, log, advance, due, replay."""
