"""How the shipped viseme network is made: texts, synthetic voices, features, training, scores."""
