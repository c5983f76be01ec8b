"""The learning curve: how good the network is by the number of exams that it was trained on."""
