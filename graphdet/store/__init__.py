"""A run → Neo4j and back: servers, push, undo, decisions, and the kit for Neo4j Browser. The only package that imports the driver."""
