"""Figures, printed with the machine and the data set they were taken on. Nothing here is asserted."""
