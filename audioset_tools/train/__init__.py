"""The paper's CNN, the other models, their training and their evaluation."""
