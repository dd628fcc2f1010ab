"""Other libraries, each reached from here in the way it allows."""
