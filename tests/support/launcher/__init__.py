"""What the tests of the launcher share."""
