"""The outbox: what the applications of this process sent, instead of a mail server or in addition to one."""
