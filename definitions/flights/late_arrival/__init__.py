"""Will this flight arrive more than 15 minutes late? The demonstration model, its log and its incidents."""
