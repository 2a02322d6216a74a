"""Who may call what: tokens, roles, origins, limits, and the audit log."""
