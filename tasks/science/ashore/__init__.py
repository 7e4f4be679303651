"""What stands ashore: stacks in yards, trains on tracks, and how full a yard is."""
