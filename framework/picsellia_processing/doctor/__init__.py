"""What a machine lacks for writing, building, pushing and deploying a processing, and what cures it."""
