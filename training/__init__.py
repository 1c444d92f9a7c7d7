"""How the weights of `mini` are made: the synthetic world and the trainers."""
