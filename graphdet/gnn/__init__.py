"""Graph, features and pair evidence → embeddings and scores by a graph neural network; the only folder that imports torch."""
