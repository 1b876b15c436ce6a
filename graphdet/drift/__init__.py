"""What a shop's days are like → how far the last one is from the usual, and whether a fresh model is as good as the old one."""
