"""What is kept on disk under WARDROBE_HOME."""
