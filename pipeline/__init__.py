"""The roof: it alone knows sources, models and sinks, and puts them together."""
