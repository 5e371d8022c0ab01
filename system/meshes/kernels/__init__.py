"""The inner loops of the readers of STL, OBJ, PLY and 3MF, compiled: numbers out of text, byte by byte.

Each takes a piece of text from `at` to `end`, fills rows of arrays it is given, and says how far it came, to be called again with what
is left and more; so memory holds the numbers and not the words.
"""
