"""Ratings and review texts of a whole log → items whose reviews seem bought or malicious, each with its reasons and a chance."""
