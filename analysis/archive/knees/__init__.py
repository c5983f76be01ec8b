"""Which part of a picture shows which knee: of films that show both, and of those cut to one."""
