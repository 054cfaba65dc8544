"""The outbox: what the applications of this process sent, in the place of a server or beside one."""
