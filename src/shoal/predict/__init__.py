"""What people will do next: objectives, training sets that cannot leak, models held against plain baselines."""
