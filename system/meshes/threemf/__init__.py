"""3MF: `package.py` opens the archive within limits, `markup.py` reads the XML of its parts, `reader.py` puts the parts together."""
