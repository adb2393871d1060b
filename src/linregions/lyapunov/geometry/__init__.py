"""V and what goes with it on a domain: cells, their mesh of simplices, exact vertices, maps and values; fans."""
