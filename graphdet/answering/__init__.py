"""What a watch answers when it is asked: scores at once, whether it is well, and its figures."""
