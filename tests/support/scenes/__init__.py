"""Every page in every state that can be looked at, from scripted services."""
