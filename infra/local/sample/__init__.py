"""A small, synthetic country: the registry export, the Workspace accounts and the people that the stand-ins share."""
